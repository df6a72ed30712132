"""Soft noise on the photo before the network: where it is smooth, strokes find something to hold.

Four sizes of noise with nodes 6, 12, 24 and 48 pixels apart, normally distributed, interpolated
bicubically (Keys 1981) and added up; they repeat every 480 pixels. Training sees the same noise
at random offsets, a device at a picture's own rows and columns, so that tiles agree.

The sums are of whole numbers below 2^53, which float64 holds exactly: every machine gets the same
field, in whatever order it adds.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

PERIOD = 480
"""Pixels after which the field repeats, both ways."""

DISTANCES = (6, 12, 24, 48)
"""Pixels between the nodes of each size of noise; even, and they divide PERIOD."""

LEVEL = 7.0
"""Standard deviation at the nodes of each size, in levels of 0 to 255."""

_DEVIATION = 256  # of the nodes as whole numbers
_ONE = 1 << 16  # a weight of 1, as a whole number


@cache
def field() -> NDArray[np.float32]:
    """The noise as float32 [480, 480], read-only: mean about 0, in levels of 0 to 255."""
    weights = [_weights(distance) for distance in DISTANCES]
    across = [
        w @ _nodes(w.shape[1], distance) for w, distance in zip(weights, DISTANCES, strict=True)
    ]
    total = np.concatenate(across, 1) @ np.concatenate(weights, 1).T
    found = (total * (LEVEL / _DEVIATION / _ONE**2)).astype(np.float32)
    found.flags.writeable = False
    return found


def at(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """The noise float32 [len(rows), len(columns)] at a picture's rows and columns, which may be
    any integers: it goes on beyond a picture's edge."""
    return field().take(rows % PERIOD, 0).take(columns % PERIOD, 1)


def _nodes(count: int, seed: int) -> NDArray[np.float64]:
    """Whole numbers [count, count], normally distributed: twelve bytes added up (Irwin-Hall),
    from SplitMix64 (Steele, Lea, Flood 2014)."""
    z = np.arange(1, 2 * count * count + 1, dtype=np.uint64) + np.uint64(seed << 32)
    z *= np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    z ^= z >> np.uint64(31)
    drawn = z.astype("<u8").view(np.uint8).reshape(count, count, 16)[..., :12]
    summed: NDArray[np.float64] = drawn.sum(2, dtype=np.float64) - 12 * 127.5
    return summed


def _weights(distance: int) -> NDArray[np.float64]:
    """Whole numbers [480, nodes], multiples of 1 / _ONE, by which nodes make pixels.

    A pixel's middle lies an odd number of half pixels behind a node, and its weights are cubic
    polynomials of that.
    """
    unit, count = 2 * distance, PERIOD // distance
    pixels = np.arange(PERIOD, dtype=np.int64)
    behind = 2 * pixels + 1 - distance  # the first node, in half pixels
    first, t = behind // unit, behind % unit
    weights = np.zeros((PERIOD, count))
    for tap in range(-1, 3):
        x = np.abs(t - tap * unit)
        near = 3 * x**3 - 5 * unit * x**2 + 2 * unit**3
        far = -(x**3) + 5 * unit * x**2 - 8 * unit**2 * x + 4 * unit**3
        parts = np.where(x <= unit, near, far)
        weights[pixels, (first + tap) % count] = parts * _ONE // (2 * unit**3)
    return weights
