"""Every style of a model on one photo, in one picture to choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.style import choice, frames, photo, render
from pi_edge.tasks.style.stylist import Stylist

CELL_PIXELS = 400 * 300
GAP = 8
LINE = 24  # of text under each cell


def write(
    stylist: Stylist,
    source: photo.Photo,
    styles: Sequence[str],
    options: render.Options,
    file: BinaryIO,
    ending: str,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the photo and each style of it, named, side by side, into `file`."""
    small = source.reduced(
        *photo.reduced_size(source.header.height, source.header.width, CELL_PIXELS)
    )
    cells = [("photo", small)]
    for index, name in enumerate(styles):
        one = replace(options, style=choice.one(name, styles))
        cells.append((name, frames.styled_alone(stylist, small, one)))
        report(index + 1, len(styles))
    pixels = arranged(cells)
    header = photo.Header(*pixels.shape[:2])
    writer = photo.backend().writer(file, ending, header, pixels.shape[:2])
    try:
        writer.write(pixels)
    except BaseException:
        writer.abandon()
        raise
    writer.close()


def arranged(cells: Sequence[tuple[str, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Cells of one size, three in a row, each over its name, on white."""
    from PIL import Image, ImageDraw

    height, width = cells[0][1].shape[:2]
    across = min(3, len(cells))
    down = -(-len(cells) // across)
    size = (across * (width + GAP) + GAP, down * (height + GAP + LINE) + GAP)
    whole = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(whole)
    for index, (name, pixels) in enumerate(cells):
        left = GAP + index % across * (width + GAP)
        top = GAP + index // across * (height + GAP + LINE)
        whole.paste(Image.fromarray(pixels), (left, top))
        draw.text((left + 2, top + height + 5), name, fill="black")
    return np.asarray(whole)
