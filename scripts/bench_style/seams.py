"""How far tiles are from the picture in one piece: python -m bench_style.seams PHOTO FOLDER.

Prints for each style PSNR in dB and the largest difference in levels as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.style import choice, memory, photo, render, sampling, tiling
from pi_edge.tasks.style.stylist import BORDER, MARGIN, MULTIPLE, Stylist, Tile


def main() -> None:
    """Measure and print."""
    source, folder = photo.open_photo(Path(sys.argv[1]), 1000), Path(sys.argv[2])
    told = json.loads((folder / "model.json").read_text())
    variant = told["variants"][told["default"]]
    stylist = Stylist(folder / variant["file"], variant, 2)
    height, width = source.header.height, source.header.width
    windows = sampling.read(source.strips(height, width), height, width)
    found = {}
    for name in told["styles"]:
        style = choice.one(name, told["styles"])
        tile = stylist.tile(stylist.modulation(windows, style))
        small = memory.tile_pixels(memory.DEFAULT, width)
        many = styled(tile, source, tiling.grid(height, width, small, MARGIN, BORDER, MULTIPLE))
        one = styled(tile, source, tiling.whole(height, width, BORDER, MULTIPLE))
        difference = np.abs(many.astype(np.float32) - one)
        error = max(float((difference**2).mean()), 1e-6)
        found[name] = {
            "psnr_db": float(10 * np.log10(255**2 / error)),
            "largest": int(difference.max()),
        }
    print(json.dumps(found))


def styled(tile: Tile, source: photo.Photo, grid: tiling.Grid) -> NDArray[np.uint8]:
    """The picture cut in this way."""
    reader = source.strips(grid.rows.length, grid.columns.length)
    options = render.Options(np.ones(1, np.float32))
    try:
        return np.concatenate(list(render.styled_strips(tile, reader, grid, options)))
    finally:
        reader.close()


if __name__ == "__main__":
    main()
