"""`pi-edge plot` before it draws anything: what it refuses, each in one line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from pi_edge import cli


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and the one line on stderr."""
    code = cli.main(["plot", *arguments])
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return code, said.err


@pytest.mark.parametrize("name", ["chart.pdf", "chart", "chart.png.txt"])
def test_a_file_that_cannot_be_drawn_is_refused_by_its_ending(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    output = tmp_path / name
    code, line = refused(capsys, "fire-theft", "-o", str(output))
    assert code == 2
    assert line == f"pi-edge: {output}: only .png and .svg files can be drawn\n"
    assert not output.exists()


@pytest.mark.parametrize("family", ["mnist", "regression"])
def test_a_family_without_a_drawing_is_told_those_that_have_one(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(capsys, family, "-o", str(tmp_path / "chart.svg"))
    assert code == 2
    assert line == f"pi-edge: there is no drawing of {family}, only of stocks, fire-theft\n"


def test_an_unknown_family_is_told_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(capsys, "bonds", "-o", str(tmp_path / "chart.svg"))
    assert code == 1
    assert "there are mnist, mnist-linear" in line


def test_a_model_that_is_nowhere_is_said_with_the_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["fire-theft", "-o", str(tmp_path / "chart.svg"), "--models", str(tmp_path)]
    code, line = refused(capsys, *arguments)
    assert code == 1
    assert line == f"pi-edge: fire-theft is in none of {tmp_path}\n"


def test_without_matplotlib_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fire-theft").mkdir()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "matplotlib" else find(name)
    )
    output = tmp_path / "chart.svg"
    code, line = refused(capsys, "fire-theft", "-o", str(output), "--models", str(tmp_path))
    assert code == 1
    assert "needs matplotlib, which is not installed: pip install 'pi-edge[desktop]'" in line
    assert not output.exists()


def test_no_output_file_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["plot", "fire-theft"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.endswith("required: -o/--output\n")
