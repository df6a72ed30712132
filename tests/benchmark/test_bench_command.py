from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_edge import cli
from pi_edge.benchmark import suite

Bench = Callable[..., int]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's measurements, as short as can be."""
    real = suite.run
    limits = {"window_seconds": 0.001, "seconds": 0.01, "runs": 3, "warm_up_seconds": 0.05}
    monkeypatch.setattr(suite, "run", lambda todo, **more: real(todo, limits, **more))


@pytest.fixture
def bench(tmp_path: Path, quick: None, shipped_models: Path) -> Bench:
    """Runs `pi-edge bench` on a folder holding mnist-linear alone."""
    shutil.copytree(shipped_models / "mnist-linear", tmp_path / "models" / "mnist-linear")

    def run(*flags: str) -> int:
        folders = ("--models", str(tmp_path / "models"), "--state", str(tmp_path / "state"))
        return cli.main(["bench", *folders, *flags])

    return run


def test_one_variant_on_one_thread(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("mnist-linear", "--variant", "float32", "--threads", "1") == 0
    out, err = capsys.readouterr()
    rows = [line for line in out.splitlines() if line.startswith("mnist-linear")]
    assert [row.split()[:3] for row in rows] == [["mnist-linear", "float32", "1"]]
    assert err.startswith("1/1 mnist-linear float32, 1 thread: p50 ")


def test_json_can_be_compared_with_later(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pi.json"
    assert bench("--variant", "int8", "--threads", "1", "--json", str(path)) == 0
    assert json.loads(path.read_bytes())["rows"][0]["model"] == "mnist-linear"
    assert bench("--variant", "int8", "--threads", "1", "--compare", str(path)) == 0
    out = capsys.readouterr().out
    assert "here: " in out
    assert "there: " in out


def test_a_broken_model_is_a_row_and_exit_code_1(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models" / "bad.tflite").write_bytes(b"no model at all")
    assert bench("--threads", "1") == 1
    out = capsys.readouterr().out
    assert "bad default 1: did not work" in out
    assert "mnist-linear  int8" in out


def test_an_unreadable_model_json_is_said_and_exit_code_1(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models" / "odd").mkdir()
    (tmp_path / "models" / "odd" / "model.json").write_text("{")
    assert bench("mnist-linear", "--variant", "int8", "--threads", "1") == 1
    assert "left out: " in capsys.readouterr().err


@pytest.mark.parametrize("threads", ["0", "", "two", "1,,2", "1,-1", "1000"])
def test_wrong_thread_counts_are_wrong_usage(
    bench: Bench, threads: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        bench("--threads", threads)
    assert stopped.value.code == 2
    assert "is not a list of thread counts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["mnist-none"], "there is no model 'mnist-none'"),
        (["mnist-linear", "--variant", "int3"], "has no variant 'int3'"),
        (["--compare", "missing.json"], "there is no file missing.json"),
        (["--json", "missing/x.json"], "there is no folder"),
    ],
)
def test_what_cannot_work_is_one_line_before_anything_is_measured(
    bench: Bench, flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*flags) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert len(err.splitlines()) == 1
