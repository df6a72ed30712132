"""What the statistics of a large photo are taken from: windows spread over it, at its full size.

A reduced copy will not do. What the network finds in a photo depends on how sharp it is pixel by
pixel, and a reduced copy is sharper than the photo: pictures from its statistics were dull, the
more the larger the photo.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.style import noise, tiling
from pi_edge.tasks.style.photo import StripReader
from pi_edge.tasks.style.stylist import BORDER, MULTIPLE

WHOLE = 256 * 256
"""Pixels of the largest photo whose statistics are taken from all of it."""

SIDE = 64
"""Pixels of a window that count, each way; BORDER more on every side are looked at."""

_STRIP = 64  # rows read at a time


def read(reader: StripReader, height: int, width: int) -> NDArray[np.float32]:
    """Windows [n, h, w, 3] of a photo of this size, for `Stylist.modulation`; noise included.

    Raises:
        BadInput: the file is damaged or ends too soon.
    """
    rows, columns = _windows(height, width)
    taken_rows, taken_columns = np.unique(rows[1]), np.unique(columns[1])
    kept = np.empty((len(taken_rows), len(taken_columns), 3), np.uint8)
    strip = np.empty((_STRIP, width, reader.channels), np.uint8)
    for top in range(0, int(taken_rows[-1]) + 1, _STRIP):
        now = strip[: min(_STRIP, height - top)]
        reader.read(now)
        first, last = np.searchsorted(taken_rows, (top, top + len(now)))
        kept[first:last] = now[taken_rows[first:last] - top][:, taken_columns, :3]
    windows = [
        kept[np.searchsorted(taken_rows, row)][:, np.searchsorted(taken_columns, column)]
        + noise.at(row_places, column_places)[..., None]
        for row_places, row in zip(*rows, strict=True)
        for column_places, column in zip(*columns, strict=True)
    ]
    return np.stack(windows)


Windows = tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]
"""Along one side, for each window: its places, beyond the photo's edges too, and its pixels."""


def _windows(height: int, width: int) -> tuple[Windows, Windows]:
    if height * width <= WHOLE:
        whole = tiling.whole(height, width, BORDER, MULTIPLE)
        return tuple(([axis.places(0)], [axis.pixels(0)]) for axis in (whole.rows, whole.columns))  # type: ignore[return-value]
    count = 3 if height * width < 500_000 else 4 if height * width < 4_000_000 else 5
    return _spread(height, count), _spread(width, count)


def _spread(length: int, count: int) -> Windows:
    places = []
    for index in range(count):
        first = round((index + 0.5) * length / count) - SIDE // 2
        places.append(np.arange(first - BORDER, first + SIDE + BORDER))
    return places, [tiling.mirrored(int(at[0]), int(at[-1]) + 1, length) for at in places]
