"""Counting how long things take, for a few plain additions each.

Buckets are those of a Prometheus histogram: each counts what took at most its bound and more than
the bound before. They are the same everywhere, so that any two can be added up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

# Nanoseconds, from 50 microseconds (the smallest model on a laptop) to 250 seconds (a large photo
# painted on a small board).
BOUNDS = tuple(step * 10**power for power in range(4, 11) for step in (5, 10, 25))
SIZE = len(BOUNDS) + 1
"""How many buckets there are; the last one has no bound."""


def empty() -> list[int]:
    """A count of 0 for each bucket."""
    return [0] * SIZE


def bucket(nanoseconds: int) -> int:
    """Index of the bucket that a duration belongs to."""
    return bisect_left(BOUNDS, nanoseconds)


def cumulated(counts: Sequence[int]) -> list[tuple[str, float]]:
    """What Prometheus' text format wants of ``counts``: of each bound in seconds, as text, how many
    took at most so long; the last bound is "+Inf"."""
    total, result = 0, []
    for bound, count in zip((*BOUNDS, None), counts, strict=True):
        total += count
        result.append(("+Inf" if bound is None else str(bound / 1e9), float(total)))
    return result


class Durations:
    """A histogram that grows by ``add``. One thread adds; any may read."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = empty()
        self.total = 0
        """Nanoseconds, summed up."""

    def add(self, nanoseconds: int) -> None:
        self.counts[bisect_left(BOUNDS, nanoseconds)] += 1
        self.total += nanoseconds
