"""A picture cut into tiles of one size that overlap, and strips of rows that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FADE = 8
"""Pixels on each side of where two tiles meet over which one fades into the other."""


@dataclass(frozen=True)
class Axis:
    """The rows, or the columns, of a picture in overlapping tiles.

    Attributes:
        length: of the picture.
        tile: length of each tile.
        count: how many tiles there are.
        margin: pixels at a tile's end towards its neighbour that are not used.
        border: pixels by which the first tile begins before the picture, and the last ends behind
            it, or up to multiple - 1 more.
        multiple: what a tile's place and length are multiples of.
    """

    length: int
    tile: int
    count: int
    margin: int
    border: int
    multiple: int

    def places(self, index: int) -> NDArray[np.int64]:
        """Where in the picture a tile's pixels are, beyond its edges too."""
        start = index * (self.tile - 2 * self.margin) - self.border
        if index + 1 == self.count:
            # Farther behind the edge than the border the picture would differ from one untiled.
            over = start + self.tile - self.length - self.border
            start -= over // self.multiple * self.multiple
        return np.arange(start, start + self.tile)

    def pixels(self, index: int) -> NDArray[np.int64]:
        """The picture's pixels that a tile is given: beyond the edges, reflected ones."""
        places = self.places(index)
        return mirrored(int(places[0]), int(places[-1]) + 1, self.length)

    def used(self, index: int) -> tuple[int, int]:
        """The picture's pixels, first and behind the last, that this tile makes."""
        step, before = self.tile - 2 * self.margin, self.margin - self.border
        first = index * step + before if index else 0
        last = (index + 1) * step + before if index + 1 < self.count else self.length
        return first, last

    def made(self, index: int) -> tuple[int, int]:
        """The same with what it shares with its neighbours, whose pictures fade into its own."""
        first, last = self.used(index)
        return max(first - FADE, 0) if index else 0, min(last + FADE, self.length)

    def spans(self) -> list[tuple[int, int]]:
        """For each tile, the picture's pixels [first, last) to have at hand: what it takes, and
        what later ones take of those before."""
        taken = [self.pixels(index) for index in range(self.count)]
        first, last = self.length, 0
        firsts, lasts = [], []
        for pixels in reversed(taken):
            first = min(first, int(pixels.min()))
            firsts.append(first)
        for pixels in taken:
            last = max(last, int(pixels.max()) + 1)
            lasts.append(last)
        return list(zip(reversed(firsts), lasts, strict=True))


@dataclass(frozen=True)
class Grid:
    """Tiles that cover a picture."""

    rows: Axis
    columns: Axis

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a tile, margins included."""
        return self.rows.tile, self.columns.tile

    @property
    def tiles(self) -> int:
        """How many there are."""
        return self.rows.count * self.columns.count

    @property
    def cost(self) -> int:
        """Pixels of all tiles together."""
        return self.tiles * self.rows.tile * self.columns.tile


def grid(height: int, width: int, pixels: int, margin: int, border: int, multiple: int) -> Grid:
    """The cheapest grid of equal tiles of at most ``pixels``.

    Args:
        margin, border: of the axes; the border is no wider than the margin.
        multiple: what a tile's height and width are multiples of, and margins and borders too.
    """
    best: Grid | None = None
    for columns in _axes(width, margin, border, multiple):
        room = pixels // columns.tile
        rows = next((a for a in _axes(height, margin, border, multiple) if a.tile <= room), None)
        if rows is None:
            continue
        found = Grid(rows, columns)
        if best is None or found.cost < best.cost:
            best = found
        elif found.cost > 2 * best.cost:
            break  # narrower tiles only cost more
    if best is None:
        raise ValueError(f"no tile of {pixels} pixels has room for its margins")
    return best


def whole(height: int, width: int, border: int, multiple: int) -> Grid:
    """The grid of a single tile."""
    rows, columns = (next(_axes(n, border, border, multiple)) for n in (height, width))
    return Grid(rows, columns)


def _axes(length: int, margin: int, border: int, multiple: int) -> Iterator[Axis]:
    """The ways to cut, into one tile first."""
    count = 0
    while True:
        count += 1
        least = -(-(length + 2 * border + (count - 1) * 2 * margin) // count)
        tile = -(-least // multiple) * multiple
        if count > 1 and tile < 2 * margin + 2 * multiple:
            return
        yield Axis(length, tile, count, margin, border, multiple)


def mirrored(start: int, stop: int, length: int) -> NDArray[np.int64]:
    """Indices start to stop of a line of ``length`` pixels continued by its reflections."""
    at = np.arange(start, stop) % (2 * length)
    return np.where(at < length, at, 2 * length - 1 - at)


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
