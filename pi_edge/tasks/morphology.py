"""Grey morphology by flat squares and lines (Serra, Image Analysis and Mathematical Morphology,
1982), in NumPy: running extremes by doubling, so that a wide window costs hardly more."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dilation(plane: NDArray[Any], window: int) -> NDArray[Any]:
    """Grey dilation of [h, w] by a square of odd side ``window``."""
    return _slide(_slide(plane, window, np.maximum, 0), window, np.maximum, 1)


def closing(plane: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Grey closing of [h, w] by a square of odd side ``window``."""
    high = dilation(plane, window)
    return _slide(_slide(high, window, np.minimum, 0), window, np.minimum, 1)


def opening(plane: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Grey opening of [h, w] by a square of odd side ``window``."""
    return np.bitwise_not(closing(np.bitwise_not(plane), window))


def opening_along(plane: NDArray[Any], window: int, axis: int) -> NDArray[Any]:
    """Opening by a line of odd length ``window`` along one axis."""
    return _slide(_slide(plane, window, np.minimum, axis), window, np.maximum, axis)


def widest(row: NDArray[Any], reach: int) -> NDArray[Any]:
    """Running maximum of [n] over ``reach`` to either side."""
    return _slide(row[None], 2 * reach + 1, np.maximum, 1).reshape(-1)


def grow(mask: NDArray[np.bool_], corners: bool) -> NDArray[np.bool_]:
    """Grown by one pixel to the four sides, and to the four corners where asked."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    across = grown.copy() if corners else mask
    grown[:, 1:] |= across[:, :-1]
    grown[:, :-1] |= across[:, 1:]
    return grown


def blur(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """3x3 binomial blur of [h, w]."""
    padded = np.pad(plane, 1, mode="edge").astype(np.uint16)
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    blurred: NDArray[np.uint16] = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) >> 4
    return blurred.astype(np.uint8)


def shrink(plane: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """[h // step, w // step]: the means of squares of ``step`` pixels."""
    height, width = plane.shape[0] // step, plane.shape[1] // step
    if step == 1:
        return plane
    if not height or not width:
        return plane[::step, ::step]
    # Adding whole rows first is several times faster than a mean over two axes at once.
    rows = plane[: height * step, : width * step].reshape(height, step, -1)
    total = rows.sum(1, dtype=np.uint32).reshape(height, width, step).sum(2, dtype=np.uint32)
    mean: NDArray[np.uint32] = total // (step * step)
    return mean.astype(np.uint8)


def _slide(plane: NDArray[Any], window: int, extreme: Any, axis: int) -> NDArray[Any]:
    """Running maximum or minimum over an odd window along an axis, edges repeated."""
    half = window // 2
    pad = [(0, 0), (0, 0)]
    pad[axis] = (half, half)
    plane = np.pad(plane, pad, mode="edge")
    reach = 1
    while reach * 2 <= window:
        plane = _pairs(plane, reach, extreme, axis)
        reach *= 2
    return _pairs(plane, window - reach, extreme, axis) if window > reach else plane


def _pairs(plane: NDArray[Any], apart: int, extreme: Any, axis: int) -> NDArray[Any]:
    if axis == 0:
        pairs: NDArray[Any] = extreme(plane[:-apart], plane[apart:])
    else:
        pairs = extreme(plane[:, :-apart], plane[:, apart:])
    return pairs
