"""Connected components of a mask, by run lengths; NumPy alone, since armv7l has no SciPy wheel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Components:
    """The 8-connected components of a mask, numbered from 0.

    Attributes:
        labels: int32 [h, w]; -1 outside the mask.
        boxes: int64 [n, 4]: left, top, right, bottom, the latter two exclusive.
        areas: int64 [n], in pixels.
    """

    labels: NDArray[np.int32]
    boxes: NDArray[np.int64]
    areas: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.areas)


def find(mask: NDArray[np.bool_]) -> Components:
    """The components of ``mask`` [h, w].

    Each row is cut into runs; runs that touch in neighbouring rows are joined by hooking the
    higher root to the lower one and halving paths (Shiloach and Vishkin, J. Algorithms 3, 1982).
    """
    height, width = mask.shape
    row, start, end = _runs(mask)
    root = _join(len(row), *_touching(row, start, end, height))
    _, run_label = np.unique(root, return_inverse=True)
    count = int(run_label.max()) + 1 if len(row) else 0
    labels = np.full(height * width, -1, np.int32)
    labels[mask.reshape(-1)] = np.repeat(run_label, end - start)
    boxes = np.empty((count, 4), np.int64)
    if count:
        order = np.argsort(run_label, kind="stable")
        first = np.searchsorted(run_label[order], np.arange(count))
        boxes[:, 0] = np.minimum.reduceat(start[order], first)
        boxes[:, 1] = np.minimum.reduceat(row[order], first)
        boxes[:, 2] = np.maximum.reduceat(end[order], first)
        boxes[:, 3] = np.maximum.reduceat(row[order], first) + 1
    areas = np.bincount(run_label, weights=end - start, minlength=count).astype(np.int64)
    return Components(labels.reshape(height, width), boxes, areas)


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """Row, first column and column past the last of every run, in reading order."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    step = np.diff(padded, axis=1)
    row, start = np.nonzero(step == 1)
    end = np.nonzero(step == -1)[1]
    return row, start, end


def _touching(
    row: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of runs, one in each of two neighbouring rows, that touch by side or corner."""
    # Positions grow along the whole picture, so that one sorted search serves all rows.
    wide = int(end.max()) + 2 if len(end) else 2
    above_start, above_end = (row + 1) * wide + start, (row + 1) * wide + end
    low = np.searchsorted(above_end, row * wide + start, side="left")
    high = np.searchsorted(above_start, row * wide + end, side="right")
    count = np.maximum(high - low, 0)
    below = np.repeat(np.arange(len(row)), count)
    offset = np.arange(len(below)) - np.repeat(np.cumsum(count) - count, count)
    return below, low[below] + offset


def _join(count: int, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    root = np.arange(count)
    while len(a):
        low, high = np.minimum(root[a], root[b]), np.maximum(root[a], root[b])
        apart = low != high
        if not apart.any():
            break
        # Of several writes to one root the last one wins; the others are made up for next round.
        a, b, low, high = a[apart], b[apart], low[apart], high[apart]
        root[high] = low
        while True:
            shorter = root[root]
            if (shorter == root).all():
                break
            root = shorter
    return root
