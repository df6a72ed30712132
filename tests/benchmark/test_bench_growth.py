"""The parts of scripts/bench-growth and scripts/bench-start that need no daemon."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import bench_start
from bench_growth import __main__ as bench_growth
from bench_growth import plot
from bench_growth.series import Curve, Series, exponent

SCRIPTS = Path(__file__).parents[2] / "scripts"
SERIES = Series("models", "models", [1, 10, 100], [Curve("start", "s", [0.5, 0.6, 6.0])])


@pytest.mark.parametrize(("values", "k"), [([1, 10, 100], 1), ([5, 5, 5], 0), ([1, 2, 200], 2)])
def test_growth_is_told_by_its_last_step(values: list[float], k: float) -> None:
    assert exponent([1, 10, 100], values) == k


def test_a_cost_is_a_line_of_figures() -> None:
    assert bench_growth._text(SERIES).splitlines()[-1].split() == [
        "start,", "s", "0.500", "0.600", "6.00", "1.00"
    ]  # fmt: skip


def test_the_plots_are_a_png() -> None:
    assert plot.picture([SERIES], "here").startswith(b"\x89PNG")


@pytest.mark.parametrize(("seconds", "told"), [(0.1, "<= 0.15 s met"), (0.2, "<= 0.15 s NOT met")])
def test_a_start_is_set_beside_its_goal_and_a_python_that_does_nothing(
    seconds: float, told: str
) -> None:
    start = bench_start.Start("status", lambda: (0, 0), 0.15)
    row = bench_start._row(start, [(seconds, 0.1)] * 3, 0.02)
    assert row[-1] == told
    assert float(row[-2].removesuffix("x")) == pytest.approx(seconds / 0.02)


def test_what_does_not_grow_is_wrong_usage() -> None:
    command = [SCRIPTS / "bench-growth", "beards"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no growth of beards: there are models, rows" in done.stderr
