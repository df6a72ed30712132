"""From the memory that a user allows to the size of a tile."""

from __future__ import annotations

from pi_edge.errors import TooLarge
from pi_edge.tasks.style.stylist import MARGIN, MULTIPLE

DEFAULT = 200
"""Megabytes of resident memory that a command takes at most unless told otherwise."""

BASE = 90.0
"""Megabytes of Python, NumPy, the runtime and libvips, as measured."""

COLUMN_BYTES = 7000.0
"""Bytes that decoding and encoding take for each column of the picture, likewise."""

TILE_BYTES = 165.0
"""Bytes that the network takes for each pixel of a tile, as measured at 512 to 1088 pixels."""

LARGEST = 560 * 560
"""Pixels of the largest tiles, margins included. A photo of 1024 pixels square took 238 ms in four
tiles of 592 pixels square, 215 in six of 440 x 592, 212 in nine of 440: larger ones spend on fresh
memory what they save in margins, smaller ones cost large photos more (12 megapixels a third more
at 512)."""

SMALLEST = (8 * MULTIPLE + 2 * MARGIN) ** 2


def tile_pixels(max_memory: int, width: int, channels: int = 3) -> int:
    """Pixels a tile may have, margins included.

    Args:
        max_memory: megabytes of resident memory for the whole process.
        width: of the picture; rows as high as a tile are held of it, read and written.

    Raises:
        TooLarge: not even the smallest tiles fit.
    """
    room = (max_memory - BASE) * 1e6 - COLUMN_BYTES * width
    # A tile of side s takes s * s * TILE_BYTES, and the rows it lies in, read and written, 2 * s
    # * width * channels.
    strip = 2.0 * width * channels
    side = (-strip + (strip * strip + 4 * TILE_BYTES * max(room, 0.0)) ** 0.5) / (2 * TILE_BYTES)
    if side * side < SMALLEST:
        least = (SMALLEST * TILE_BYTES + SMALLEST**0.5 * strip + COLUMN_BYTES * width) / 1e6 + BASE
        raise TooLarge(
            f"a picture {width} pixels wide needs {least + 1:.0f} MB: allow that with --max-memory"
        )
    return int(min(side * side, LARGEST))
