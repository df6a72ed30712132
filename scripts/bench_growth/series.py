"""What was measured at sizes one after the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """One cost at each size; ``unit`` is what the numbers count."""

    name: str
    unit: str
    values: Sequence[float]


@dataclass(frozen=True)
class Series:
    """All costs of one growth.

    Attributes:
        title: what grows, for a reader.
        counted: what the sizes count.
    """

    title: str
    counted: str
    sizes: Sequence[float]
    curves: Sequence[Curve]


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """k in value = c * size^k between the last two sizes: 1 is a straight line, less is better.

    >>> exponent([1, 10, 100], [5, 30, 300])
    1.0
    """
    (x0, x1), (y0, y1) = sizes[-2:], values[-2:]
    return round(math.log(y1 / y0) / math.log(x1 / x0), 2)
