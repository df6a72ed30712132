"""Counting how long things take."""

from __future__ import annotations

import pytest

from pi_edge import histogram
from pi_edge.histogram import BOUNDS, Durations


def test_bounds_go_from_50_microseconds_to_250_seconds() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
    assert (BOUNDS[0], BOUNDS[-1]) == (50_000, 250 * 10**9)


@pytest.mark.parametrize(
    ("nanoseconds", "bucket"),
    [
        (0, 0),
        (50_000, 0),
        (50_001, 1),
        (1_000_000, 4),
        (250 * 10**9, len(BOUNDS) - 1),
        (10**15, len(BOUNDS)),
    ],
)
def test_a_bucket_holds_what_took_at_most_its_bound(nanoseconds: int, bucket: int) -> None:
    assert histogram.bucket(nanoseconds) == bucket


def test_durations_are_counted_and_summed_up() -> None:
    durations = Durations()
    for nanoseconds in (60_000, 60_000, 10**15):
        durations.add(nanoseconds)
    assert sum(durations.counts) == 3
    assert (durations.counts[1], durations.counts[-1]) == (2, 1)
    assert durations.total == 10**15 + 120_000


def test_prometheus_gets_seconds_and_cumulated_counts() -> None:
    counts = histogram.empty()
    counts[0], counts[4], counts[-1] = 1, 2, 3
    told = dict(histogram.cumulated(counts))
    assert list(told)[:2] == ["5e-05", "0.0001"]
    assert (told["5e-05"], told["0.0005"], told["0.001"], told["250.0"]) == (1, 1, 3, 3)
    assert list(told.items())[-1] == ("+Inf", 6)
