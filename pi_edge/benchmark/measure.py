"""The measuring loop: warm up until stable, then time single calls.

Nothing here knows of models; the clock is handed in, so that the loop itself can be tested
without one.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

Clock = Callable[[], int]


@dataclass(frozen=True)
class Limits:
    """How long to warm up and to measure.

    Attributes:
        window_runs: a window of the warm-up has at least so many runs ...
        window_seconds: ... and takes at least so long.
        windows: so many successive windows must agree.
        agreement: their medians lie within this fraction of the smallest.
        warm_up_seconds: then the warm-up ends, stable or not.
        runs: a measurement has at least so many runs ...
        seconds: ... and takes at least so long, ...
        longest_seconds: ... but ends after the run in which this has passed, ...
        most_runs: ... or after so many runs.
    """

    window_runs: int = 5
    window_seconds: float = 0.1
    windows: int = 3
    agreement: float = 0.05
    warm_up_seconds: float = 10.0
    runs: int = 50
    seconds: float = 1.0
    longest_seconds: float = 15.0
    most_runs: int = 200_000


@dataclass(frozen=True)
class WarmUp:
    """How a warm-up ended: whether its last windows agreed, after how much."""

    stable: bool
    runs: int
    seconds: float


@dataclass(frozen=True)
class Timing:
    """Latency of single calls, one after the other, in milliseconds, and calls per second."""

    runs: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    throughput: float


def warm_up(
    call: Callable[[], object], limits: Limits, clock: Clock = time.perf_counter_ns
) -> WarmUp:
    """Call until the last ``limits.windows`` windows agree or the time for it is over.

    Args:
        call: one run.
        limits: see Limits.
        clock: nanoseconds since any moment, never going back.
    """
    began = clock()
    medians: list[float] = []
    window: list[int] = []
    runs = window_ns = 0
    while True:
        before = clock()
        call()
        after = clock()
        runs += 1
        window.append(after - before)
        window_ns += after - before
        if len(window) >= limits.window_runs and window_ns >= limits.window_seconds * 1e9:
            medians.append(median(window))
            window, window_ns = [], 0
            if agree(medians[-limits.windows :], limits):
                return WarmUp(True, runs, (after - began) / 1e9)
        if after - began >= limits.warm_up_seconds * 1e9:
            return WarmUp(False, runs, (after - began) / 1e9)


def agree(medians: Sequence[float], limits: Limits) -> bool:
    """Whether there are enough window medians and they lie close together."""
    return len(medians) >= limits.windows and max(medians) <= min(medians) * (1 + limits.agreement)


def sample(
    call: Callable[[], object], limits: Limits, clock: Clock = time.perf_counter_ns
) -> array[int]:
    """Durations of single calls in nanoseconds, as many as ``limits`` asks for."""
    durations = array("q")
    began = clock()
    while True:
        before = clock()
        call()
        after = clock()
        durations.append(after - before)
        took, count = after - began, len(durations)
        if took >= limits.longest_seconds * 1e9 or count >= limits.most_runs:
            return durations
        if took >= limits.seconds * 1e9 and count >= limits.runs:
            return durations


def summarize(durations: Sequence[int]) -> Timing:
    """Percentiles by nearest rank, so that each is a duration that really occurred.

    Args:
        durations: nanoseconds, at least one.
    """
    values = np.asarray(durations, np.int64)
    p50, p95, p99 = np.percentile(values, [50, 95, 99], method="inverted_cdf") / 1e6
    total = int(values.sum())
    return Timing(
        runs=len(values),
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
        throughput=len(values) / (max(total, 1) / 1e9),
    )


def thinned(durations: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of them, evenly spaced over the whole measurement, in their order."""
    if len(durations) <= most:
        return list(durations)
    return [durations[i] for i in np.linspace(0, len(durations) - 1, most).round().astype(int)]
