"""Medians and percentiles, without what NumPy's own bring along: those import all of numpy.ma to
ask whether their input is masked, which takes a fresh process longer than reading the digit in a
photograph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[Any]) -> Any:
    """The median over the last axis of an array without NaNs, to the bit as `numpy.median` has it.

    Args:
        values: [..., n], n > 0.

    Returns:
        An array [...], a number for [n], of the dtype that `numpy.mean` gives for ``values``.
    """
    count = values.shape[-1]
    low, high = (count - 1) // 2, count // 2
    return np.partition(values, [low, high], axis=-1)[..., low : high + 1].mean(axis=-1)


def percentile(values: NDArray[Any], percent: float) -> float:
    """What ``percent`` % of all values are at most, between two of them in proportion, as
    `numpy.percentile` has it.

    Args:
        values: of any shape, without NaNs, not empty.
    """
    place = (values.size - 1) * percent / 100
    low, high = math.floor(place), math.ceil(place)
    around = np.partition(values, [low, high], axis=None)
    below, above = float(around[low]), float(around[high])
    return below + (above - below) * (place - low)
