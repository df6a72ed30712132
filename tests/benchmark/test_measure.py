from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from pi_edge.benchmark.measure import Limits, WarmUp, agree, sample, summarize, thinned, warm_up

MS = 1_000_000


class Bench:
    """A call whose durations are told beforehand, and the clock that sees only them."""

    def __init__(self, milliseconds: Iterable[float]) -> None:
        self.durations = iter(milliseconds)
        self.now = 0

    def call(self) -> None:
        self.now += int(next(self.durations) * MS)

    def clock(self) -> int:
        return self.now


def forever(first: Iterable[float], then: float) -> Iterator[float]:
    yield from first
    while True:
        yield then


@pytest.fixture
def limits() -> Limits:
    return Limits(
        window_runs=5,
        window_seconds=0.05,
        windows=3,
        warm_up_seconds=10,
        runs=50,
        seconds=1,
        longest_seconds=15,
        most_runs=10_000,
    )


def test_warm_up_ends_when_three_windows_agree(limits: Limits) -> None:
    bench = Bench(forever([], 10))
    assert warm_up(bench.call, limits, bench.clock) == WarmUp(True, 15, 0.15)


def test_slow_first_windows_prolong_the_warm_up(limits: Limits) -> None:
    bench = Bench(forever([30] * 10, 10))
    assert warm_up(bench.call, limits, bench.clock) == WarmUp(True, 25, 0.45)


def test_a_single_slow_run_does_not_prolong_the_warm_up(limits: Limits) -> None:
    bench = Bench(forever([10, 10, 500], 10))
    assert warm_up(bench.call, limits, bench.clock) == WarmUp(True, 15, 0.64)


def test_fast_runs_fill_the_window_by_time(limits: Limits) -> None:
    bench = Bench(forever([], 0.5))
    assert warm_up(bench.call, limits, bench.clock).runs == 3 * 100


def test_a_call_that_grows_ever_slower_is_never_stable(limits: Limits) -> None:
    bench = Bench(1.1**i for i in range(10_000))
    warmed = warm_up(bench.call, limits, bench.clock)
    assert not warmed.stable
    assert warmed.seconds >= limits.warm_up_seconds


def test_a_very_slow_call_ends_the_warm_up_after_the_run_that_passes_the_limit(
    limits: Limits,
) -> None:
    bench = Bench(forever([], 7000))
    assert warm_up(bench.call, limits, bench.clock) == WarmUp(False, 2, 14.0)


@pytest.mark.parametrize(
    ("medians", "stable"),
    [
        ([100, 100], False),
        ([100, 105, 102], True),
        ([100, 106, 102], False),
        ([0, 0, 0], True),
    ],
)
def test_windows_agree_within_five_percent_of_the_smallest(
    medians: list[float], stable: bool
) -> None:
    assert agree(medians, Limits()) is stable


def test_sample_takes_enough_runs_and_enough_time(limits: Limits) -> None:
    slow, fast = Bench(forever([], 100)), Bench(forever([], 1))
    assert len(sample(slow.call, limits, slow.clock)) == 50
    assert len(sample(fast.call, limits, fast.clock)) == 1000


def test_sample_is_bounded_in_time_and_number(limits: Limits) -> None:
    slow, fast = Bench(forever([], 6000)), Bench(forever([], 0.001))
    assert len(sample(slow.call, limits, slow.clock)) == 3
    assert len(sample(fast.call, limits, fast.clock)) == 10_000


def test_percentiles_are_durations_that_occurred() -> None:
    timing = summarize([i * MS for i in range(100, 0, -1)])
    assert (timing.p50_ms, timing.p95_ms, timing.p99_ms) == (50, 95, 99)


def test_one_outlier_of_a_hundred_shows_in_throughput_not_in_p99() -> None:
    timing = summarize([1 * MS] * 99 + [901 * MS])
    assert timing.p99_ms == 1
    assert timing.throughput == pytest.approx(100)


def test_throughput_is_runs_a_second() -> None:
    assert summarize([4 * MS] * 10).throughput == pytest.approx(250)


def test_a_few_durations_stand_for_the_whole_measurement() -> None:
    assert thinned(range(1000), 5) == [0, 250, 500, 749, 999]
    assert thinned([7, 8, 9], 5) == [7, 8, 9]
    assert thinned([7, 8, 9], 1) == [7]
