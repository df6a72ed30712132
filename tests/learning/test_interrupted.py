"""`pi-edge learn` is stopped, killed and started twice: nothing is lost, one learns at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from running import PATIENCE, wait_until
from support import ROOT

# The command, which keeps what it learned after every step instead of every minute.
OFTEN = (
    "import sys; from pi_edge.learning import loop; loop.KEEP_SECONDS = 0;"
    " from pi_edge.cli import main; sys.exit(main(sys.argv[1:]))"
)


def command(bars: Path, state: Path, name: str = "mine", epochs: int = 16) -> list[str]:
    return [
        *(sys.executable, "-c", OFTEN, "learn", "mnist-mlp", "--data", str(bars)),
        *("--from", "scratch", "--epochs", str(epochs), "--name", name, "--state", str(state)),
    ]


def learn(*arguments: object) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = command(*arguments)  # type: ignore[arg-type]
    return subprocess.run(line, capture_output=True, text=True, env=environ, timeout=PATIENCE)


def begin(*arguments: object) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = command(*arguments)  # type: ignore[arg-type]
    return subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    )


@pytest.fixture(scope="module")
def whole(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What it comes to when nobody interrupts it."""
    state = tmp_path_factory.mktemp("whole")
    done = learn(bars, state)
    assert done.returncode == 0, done.stderr
    return (state / "models/mine/float32.tflite").read_bytes()


@pytest.mark.parametrize("kills", [3])
def test_a_learning_that_is_killed_goes_on_and_ends_as_if_it_had_not_been(
    bars: Path, tmp_path: Path, whole: bytes, kills: int
) -> None:
    checkpoint = tmp_path / "learning/mine/checkpoint.npz"
    for _ in range(kills):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        child = begin(bars, tmp_path)
        wait_until(
            lambda before=before, child=child: (
                child.poll() is not None
                or (checkpoint.exists() and checkpoint.stat().st_mtime_ns > before)
            )
        )
        child.kill()
        child.communicate()
    done = learn(bars, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stdout
    assert (tmp_path / "models/mine/float32.tflite").read_bytes() == whole
    assert not checkpoint.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_is_asked_to_stop_does_and_keeps_what_it_learned(
    bars: Path, tmp_path: Path, number: signal.Signals
) -> None:
    child = begin(bars, tmp_path, "mine", 10_000)
    checkpoint = tmp_path / "learning/mine/checkpoint.npz"
    wait_until(checkpoint.exists)
    child.send_signal(number)
    out, err = child.communicate(timeout=PATIENCE)
    assert child.returncode == 128 + number
    assert out.splitlines()[-1].endswith("stopped: the same command goes on from here")
    assert "Traceback" not in err
    assert checkpoint.exists()
    assert not (tmp_path / "models/mine").exists()


def test_a_second_one_is_told_who_learns(bars: Path, tmp_path: Path) -> None:
    child = begin(bars, tmp_path, "mine", 10_000)
    wait_until((tmp_path / "learning/mine/checkpoint.npz").exists)
    done = learn(bars, tmp_path, "other")
    child.kill()
    child.communicate()
    assert done.returncode == 1
    assert "mine is being learned" in done.stderr
    assert done.stderr.count("\n") == 1
