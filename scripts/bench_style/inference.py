"""Our network alone: python -m bench_style.inference SIDE ROUNDS THREADS FOLDER STYLE.

Statistics and all tiles of a photo that is in memory, noise included, with both graphs open, as
the other's session is. Prints the seconds of each run after the first as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from pi_edge.tasks.style import choice, frames, render, stylist


def main() -> None:
    """Measure and print."""
    side, rounds, threads = (int(number) for number in sys.argv[1:4])
    folder, style = Path(sys.argv[4]), sys.argv[5]
    told = json.loads((folder / "model.json").read_text())
    variant = told["variants"][told["default"]]
    options = render.Options(choice.one(style, told["styles"]))
    opened = stylist.Stylist(folder / variant["file"], variant, threads, keep=True)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    tile = opened.tile(opened.modulation(frames.windows(pixels), options.style))
    seconds = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        opened.modulation(frames.windows(pixels), options.style)
        frames.styled(tile, pixels, options)
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds[1:]))


if __name__ == "__main__":
    main()
