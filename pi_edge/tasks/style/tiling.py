"""A picture cut into tiles of one size with margins, and strips of rows that hold them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """Tiles that cover a picture, all of one size; the last ones may reach beyond its edge.

    Attributes:
        height, width: of the picture.
        tile_height, tile_width: of a tile's inside, multiples of what the network reduces by.
        margin: pixels around a tile's inside, likewise.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    margin: int

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.height // self.tile_height)

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        return -(-self.width // self.tile_width)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a tile with its margins."""
        return self.tile_height + 2 * self.margin, self.tile_width + 2 * self.margin

    def place(self, row: int, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of a tile with its margins, which go on beyond the picture's edge."""
        corner = row * self.tile_height - self.margin, column * self.tile_width - self.margin
        height, width = self.shape
        return np.arange(corner[0], corner[0] + height), np.arange(corner[1], corner[1] + width)

    def tile_rows(self, row: int) -> NDArray[np.int64]:
        """The picture's rows that a row of tiles takes, margins and mirroring included."""
        top = row * self.tile_height
        return mirrored(top - self.margin, top + self.tile_height + self.margin, self.height)

    def tile_columns(self, column: int) -> NDArray[np.int64]:
        """The picture's columns that a tile takes, likewise."""
        left = column * self.tile_width
        return mirrored(left - self.margin, left + self.tile_width + self.margin, self.width)


def grid(height: int, width: int, pixels: int, margin: int, multiple: int) -> Grid:
    """The grid of the fewest equal tiles of which each, with margins, has at most ``pixels``.

    Nearly square tiles spend least on margins; where a whole row fits, strips of it do.
    """
    least = 2 * multiple
    best: Grid | None = None
    for columns in range(1, -(-width // least) + 1):
        tile_width = _rounded(-(-width // columns), multiple)
        room = pixels // (tile_width + 2 * margin) - 2 * margin
        tallest = max(room // multiple * multiple, least)
        rows = -(-height // tallest)
        tile_height = _rounded(-(-height // rows), multiple)
        found = Grid(height, width, tile_height, tile_width, margin)
        if best is not None and _cost(found) >= _cost(best):
            if tile_width < tile_height // 2:
                break  # narrower still only costs more
            continue
        if room >= least or columns * least >= width:
            best = found
    assert best is not None
    return best


def one(height: int, width: int, margin: int, multiple: int) -> Grid:
    """The grid of a single tile."""
    return Grid(height, width, _rounded(height, multiple), _rounded(width, multiple), margin)


def _cost(grid: Grid) -> int:
    return grid.rows * grid.columns * grid.shape[0] * grid.shape[1]


def _rounded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def mirrored(start: int, stop: int, length: int) -> NDArray[np.int64]:
    """Indices start to stop of a line of ``length`` pixels continued by its reflections."""
    at = np.arange(start, stop) % (2 * length)
    return np.where(at < length, at, 2 * length - 1 - at)


def spans(grid: Grid) -> list[tuple[int, int]]:
    """For each row of tiles, the picture's rows [first, last) to have at hand: what it takes, and
    what later ones take of the rows before."""
    taken = [grid.tile_rows(row) for row in range(grid.rows)]
    first, last = grid.height, 0
    found = []
    for rows in reversed(taken):
        first = min(first, int(rows.min()))
        found.append(first)
    lasts = []
    for rows in taken:
        last = max(last, int(rows.max()) + 1)
        lasts.append(last)
    return list(zip(reversed(found), lasts, strict=True))


def taken(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """The pixels [rows, columns, ...]; without a copy where both run straight through."""
    pixels = pixels[rows[0] : rows[-1] + 1] if _straight(rows) else pixels[rows]
    if _straight(columns):
        return pixels[:, columns[0] : columns[-1] + 1]
    return pixels[:, columns]


def _straight(at: NDArray[np.int64]) -> bool:
    return bool((np.diff(at) == 1).all())
