"""Pictures that are in memory already: frames of a video, the cells of a sheet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.style import memory, photo, render, sampling, tiling
from pi_edge.tasks.style.stylist import BORDER, MARGIN, MULTIPLE, Stylist, Tile


def styled(tile: Tile, pixels: NDArray[np.uint8], options: render.Options) -> NDArray[np.uint8]:
    """Pixels [h, w, 3] styled by a tile graph whose statistics are known."""
    height, width = pixels.shape[:2]
    room = memory.tile_pixels(options.max_memory, width)
    grid = tiling.grid(height, width, room, MARGIN, BORDER, MULTIPLE)
    return np.concatenate(list(render.styled_strips(tile, photo.HeldRows(pixels), grid, options)))


def windows(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What `Stylist.modulation` takes of pixels [h, w, 3]."""
    return sampling.read(photo.HeldRows(pixels), *pixels.shape[:2])


def styled_alone(
    stylist: Stylist, pixels: NDArray[np.uint8], options: render.Options
) -> NDArray[np.uint8]:
    """Pixels [h, w, 3] styled with their own statistics."""
    modulation = stylist.modulation(windows(pixels), options.style)
    return styled(stylist.tile(modulation), pixels, options)
