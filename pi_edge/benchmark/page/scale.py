"""Axes: where a value stands between the ends, which values get a tick, how samples spread."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

PADDING = 0.06


@dataclass(frozen=True)
class Log:
    """A logarithmic axis from ``low`` to ``high``, both above 0."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where it stands: 0 at the low end, 1 at the high end, held between them."""
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return min(max(part, 0.0), 1.0)

    def ticks(self) -> list[float]:
        """A handful of round values on the axis.

        >>> Log(0.8, 30).ticks()
        [1.0, 2.0, 5.0, 10.0, 20.0]
        >>> Log(0.29, 0.46).ticks()
        [0.3, 0.35, 0.4, 0.45]
        """
        span = self.high / self.low
        if span < 4:
            return linear_ticks(self.low, self.high)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1, 2, 5) if span < 300 else (1,)
        every = 1 if span < 1e8 else 2
        values = (step * 10.0**power for power in decades[::every] for step in steps)
        return [float(f"{v:.3g}") for v in values if self.low <= v <= self.high]

    def histogram(self, samples: Sequence[float]) -> list[float]:
        """How many samples lie in each of the steps of the axis, as parts of the largest number.

        Steps are so wide that the middle 98 % of the samples take twice the cube root of their
        number (Rice's rule), but there are 20 to 120 on the axis, of many samples at least 60.
        Samples beyond its ends are in none.
        """
        ordered = sorted(samples)
        if not ordered:
            return []
        own = math.log(quantile(ordered, 0.99) / quantile(ordered, 0.01))
        steps = 2 * len(ordered) ** (1 / 3) * math.log(self.high / self.low) / max(own, 1e-9)
        count = round(min(max(steps, 20 if len(ordered) < 500 else 60), 120))
        edges = [self.low * (self.high / self.low) ** (i / count) for i in range(count + 1)]
        places = [bisect_left(ordered, edge) for edge in edges]
        counts = [after - before for before, after in pairwise(places)]
        most = max(counts)
        return [count / most for count in counts] if most else []


def around(values: Iterable[float]) -> Log:
    """A logarithmic axis that holds the values, with room on both sides."""
    values = list(values)
    low, high = min(values), max(values)
    if high / low < 1.2:
        low, high = low / 1.1, high * 1.1
    room = (high / low) ** PADDING
    return Log(low / room, high * room)


def linear_ticks(low: float, high: float) -> list[float]:
    """Three to seven round values, evenly apart."""
    rough = (high - low) / 5.5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 2.5, 5, 10) if s * power >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.6g}") for n in range(first, last + 1)]


def quantile(ordered: Sequence[float], part: float) -> float:
    """By nearest rank, of sorted values."""
    return ordered[min(max(math.ceil(part * len(ordered)) - 1, 0), len(ordered) - 1)]


def shown(value: float) -> str:
    """A tick's label: no more digits than it needs.

    >>> [shown(x) for x in (0.005, 0.35, 1.0, 2000.0)]
    ['0.005', '0.35', '1', '2,000']
    """
    return f"{value:,.6f}".rstrip("0").rstrip(".")
