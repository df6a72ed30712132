"""A photo styled into a file: strips in, tiles through the network, strips out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.style import blending, memory, noise, photo, sampling, tiling
from pi_edge.tasks.style.stylist import BORDER, MARGIN, MULTIPLE, Stylist, Tile

SCALES = {"fine": 2.0, "normal": 1.0, "bold": 0.5}
"""How large the photo is made for the network, whose strokes are always of one size in pixels."""

PREVIEW_PIXELS = 640 * 480

HELD = 1_500_000
"""Pixels of the largest photo that is held, not decoded twice: at most 6 MB."""

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Options:
    """How a photo is to be styled.

    Attributes:
        style: float32 [styles], summing to one.
        strength: 0 leaves the photo, 1 styles it wholly.
        preserve_color: keep the photo's hues, take brightness and strokes only.
        scale: size of the strokes, a key of SCALES.
        preview: style a reduced copy instead.
        max_memory: megabytes the process may take, itself included.
    """

    style: NDArray[np.float32]
    strength: float = 1.0
    preserve_color: bool = False
    scale: str = "normal"
    preview: bool = False
    max_memory: int = memory.DEFAULT


def render(
    stylist: Stylist,
    source: photo.Photo,
    options: Options,
    file: BinaryIO,
    ending: str,
    report: Report = lambda done, total: None,
) -> None:
    """Style `source` into `file`.

    Args:
        ending: the format to write, one of `photo.ENDINGS`.
        report: called with the tiles done and all of them.

    Raises:
        BadInput: the photo turns out to be damaged.
        TooLarge: it cannot be done within the memory allowed.
        PiEdgeError: the model does not run, or the picture cannot be encoded.
    """
    header = source.header
    if options.preview:
        height, width = photo.reduced_size(header.height, header.width, PREVIEW_PIXELS)
        header = replace(header, height=height, width=width)
    factor = SCALES[options.scale]
    height = max(1, round(header.height * factor))
    width = max(1, round(header.width * factor))
    channels = 4 if header.alpha else 3
    pixels = memory.tile_pixels(options.max_memory, width, channels)
    grid = tiling.grid(height, width, pixels, MARGIN, BORDER, MULTIPLE)
    windows, reader = _opened(source, height, width)
    try:
        modulation = stylist.modulation(windows, options.style)
        writer = photo.backend().writer(file, ending, header, (height, width))
        try:
            tile = stylist.tile(modulation)
            for strip in styled_strips(tile, reader, grid, options, report):
                writer.write(strip)
        except BaseException:
            writer.abandon()
            raise
        writer.close()
    finally:
        reader.close()


def _opened(
    source: photo.Photo, height: int, width: int
) -> tuple[NDArray[np.float32], photo.StripReader]:
    """The windows on a photo, and its pixels from the top."""
    first = source.strips(height, width)
    try:
        if height * width > HELD:
            windows = sampling.read(first, height, width)
            return windows, source.strips(height, width)  # decodes while statistics are taken
        held = np.empty((height, width, first.channels), np.uint8)
        first.read(held)
    finally:
        first.close()
    return sampling.read(photo.HeldRows(held), height, width), photo.HeldRows(held)


def styled_strips(
    tile: Tile,
    reader: photo.StripReader,
    grid: tiling.Grid,
    options: Options,
    report: Report = lambda done, total: None,
) -> Iterator[NDArray[np.uint8]]:
    """The styled rows of a photo, a row of tiles at a time; an alpha channel stays as it is."""
    spans = grid.rows.spans()
    buffer = np.empty(
        (max(b - a for a, b in spans), grid.columns.length, reader.channels), np.uint8
    )
    kept = buffer[:0]  # rows of the strip before that this one makes, too
    begin = end = 0  # the photo's rows that are held, from the buffer's first on
    inputs = np.empty((1, *grid.shape, 3), np.float32)
    for row, (first, last) in enumerate(spans):
        if first > begin:
            buffer[: end - first] = buffer[first - begin : end - begin]
            begin = first
        if last > end:
            reader.read(buffer[end - begin : last - begin])
            end = last
        held = buffer[: end - begin]
        top, bottom = grid.rows.made(row)
        photo_rows = held[top - begin : bottom - begin]
        out = photo_rows.copy()
        places = grid.rows.places(row)
        for column in range(grid.columns.count):
            across = grid.columns.places(column)
            inputs[0] = tiling.taken(
                held, grid.rows.pixels(row) - begin, grid.columns.pixels(column)
            )[..., :3]
            inputs[0] += noise.at(places, across)[..., None]
            left, right = grid.columns.made(column)
            made = blending.blend(
                tile(inputs)[0][top - places[0] : bottom - places[0]][
                    :, left - across[0] : right - across[0]
                ],
                photo_rows[:, left:right, :3],
                options.strength,
                options.preserve_color,
            )
            if column:
                blending.fade(out[:, left:right, :3], made, 1)
            out[:, left:right, :3] = made
            report(row * grid.columns.count + column + 1, grid.tiles)
        if row:
            blending.fade(kept, out, 0)
        shared = bottom - grid.rows.made(row + 1)[0] if row + 1 < grid.rows.count else 0
        kept = out[len(out) - shared :].copy()
        yield out[: len(out) - shared]
