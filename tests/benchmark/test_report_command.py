from __future__ import annotations

import sys
from pathlib import Path

import pytest
from comparisons import a_comparison, written
from samples import a_report, row

from pi_edge import cli


def test_every_kind_of_file_is_written_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path / "c.json", a_comparison(emulated=True))
    outputs = [tmp_path / f"r{ending}" for ending in (".html", ".md", ".png")]
    flags = [part for path in outputs for part in ("-o", str(path))]
    assert cli.main(["bench", "report", str(source), *flags]) == 0
    assert capsys.readouterr().out.split() == [str(path) for path in outputs]
    assert outputs[0].read_bytes().startswith(b"<!doctype html>")
    assert outputs[1].read_bytes().startswith(b"# Benchmark: ")
    assert outputs[2].read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_two_reports_of_bench(tmp_path: Path) -> None:
    ours = written(tmp_path / "a.json", a_report(row(model="$x^2$ & <b>")))
    theirs = written(tmp_path / "b.json", a_report(row(model="$x^2$ & <b>", p50_ms=2.0)))
    output = tmp_path / "r.png"
    assert cli.main(["bench", "report", str(ours), str(theirs), "-o", str(output)]) == 0
    assert output.stat().st_size > 10_000


def test_another_ending_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path / "a.json", a_report())
    assert cli.main(["bench", "report", str(source), "-o", str(tmp_path / "r.pdf")]) == 2
    assert "only .html, .md, .png files can be written" in capsys.readouterr().err


def test_without_matplotlib_a_picture_is_refused_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    source = written(tmp_path / "a.json", a_report())
    page = tmp_path / "r.html"
    flags = ("-o", str(page), "-o", str(tmp_path / "r.png"))
    assert cli.main(["bench", "report", str(source), *flags]) == 1
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert "needs matplotlib, which is not installed: pip install 'pi-edge[desktop]'" in err
    assert not page.exists()
