"""Make a photo of a size, in a process of its own: python -m bench_style.photos WxH OUT [PHOTO].

Without a photo to take it is clouds of every size in three colours, the same every time: as much
detail as a photo of foliage.
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image, ImageOps

LARGEST = 4096  # made; beyond, enlarged


def clouds(width: int, height: int) -> Image.Image:
    """Noise of every size, the smaller the weaker."""
    rng = np.random.default_rng(1)
    bands = []
    for _ in range(3):
        total = np.zeros((height, width), np.float32)
        nodes = 3
        while nodes < 2 * max(width, height):
            drawn = Image.fromarray(rng.normal(0, 1, (nodes, nodes)).astype(np.float32))
            enlarged = drawn.resize((width, height), Image.Resampling.BICUBIC)
            total += np.asarray(enlarged) * np.float32(nodes**-0.6)
            nodes *= 2
        bands.append(np.clip(128 + 70 * total / total.std(), 0, 255).astype(np.uint8))
    return Image.fromarray(np.stack(bands, 2))


def main() -> None:
    """Write the photo."""
    Image.MAX_IMAGE_PIXELS = None
    width, height = (int(length) for length in sys.argv[1].split("x"))
    if len(sys.argv) > 3:
        with Image.open(sys.argv[3]) as opened:
            photo = ImageOps.exif_transpose(opened).convert("RGB")
    else:
        photo = clouds(min(width, LARGEST), min(height, LARGEST))
    ImageOps.fit(photo, (width, height)).save(sys.argv[2], quality=90)


if __name__ == "__main__":
    main()
