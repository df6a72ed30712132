"""Which threads and kernels run a model fastest here, and how many requests that wait are computed
together; never others than the default unless they are faster for certain.

All candidates are loaded in one process and timed in turn, so that what slows the machine for a
while slows all of them. What wins has to win once more, in another process, against the default
alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from pi_edge.benchmark import suite
from pi_edge.tuning import Tuning

GAIN = 0.95
"""What is no faster than this part of the default's time is not worth another setting."""

BATCHES = (4, 16)
"""Rows that may be computed together, none of which may cost the first much of its time."""

ROUNDS = 7
ROUND_SECONDS = 0.1
TIME_LIMIT_SECONDS = 300.0

CHILD = (*suite.CHILD[:-1], "pi_edge.benchmark.tune_child")

Times = Mapping[Tuning, Sequence[float]]
"""Of each candidate that works, microseconds an inference takes in each round, or a row of it where
several are computed together."""


@dataclass(frozen=True)
class Outcome:
    """What is best, and microseconds an inference takes.

    Attributes:
        default_us, best_us: with the default and with the best, one row at a time.
        row_us: a row, of as many as are computed together at best.
    """

    best: Tuning
    default_us: float
    best_us: float
    row_us: float

    @property
    def ratio(self) -> float:
        """The best one's time as a part of the default's."""
        return self.best_us / self.default_us


def candidates(default: Tuning, cores: int) -> list[Tuning]:
    """The default first, then all others: 1 to ``cores`` threads, with XNNPACK and without."""
    others = [Tuning(n, xnnpack) for xnnpack in (True, False) for n in suite.default_threads(cores)]
    return [default, *(one for one in others if one != default)]


def tune(file: Path, folder: Path, default: Tuning, cores: int) -> Outcome:
    """Measure, and measure again what won.

    Args:
        file: the .tflite file.
        folder: where its check.npz may be, which has inputs to measure with.

    Raises:
        PiEdgeError: the model does not work.
    """

    def best_of(usual: Tuning, others: Iterable[Tuning]) -> Outcome:
        found = outcome(_measured(file, folder, [usual, *others]), usual)
        if found.best == usual:
            return found
        return outcome(_measured(file, folder, [usual, found.best]), usual)

    alone = best_of(default, candidates(default, cores)[1:])
    together = best_of(alone.best, [replace(alone.best, batch=rows) for rows in BATCHES])
    return replace(alone, best=together.best, row_us=together.best_us)


def outcome(times: Times, default: Tuning) -> Outcome:
    """The candidate that was faster than the default in every round, and by GAIN in most; of
    several the one that gains most, of none the default."""
    usual = times[default]
    ratios = {
        one: [took / by for took, by in zip(rounds, usual, strict=True)]
        for one, rounds in times.items()
    }
    better = [one for one in ratios if max(ratios[one]) < 1 and median(ratios[one]) < GAIN]
    best = min(better, key=lambda one: median(ratios[one]), default=default)
    return Outcome(best, median(usual), median(times[best]), median(times[best]))


def _measured(file: Path, folder: Path, wanted: Iterable[Tuning]) -> Times:
    ask: dict[str, Any] = {
        "file": str(file),
        "folder": str(folder),
        "candidates": [asdict(one) for one in wanted],
        "rounds": ROUNDS,
        "seconds": ROUND_SECONDS,
    }
    told = json.loads(suite.ask_child(CHILD, ask, TIME_LIMIT_SECONDS))
    return {Tuning(**one["candidate"]): one["microseconds"] for one in told}
