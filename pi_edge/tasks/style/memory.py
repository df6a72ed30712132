"""From the memory that a user allows to the size of a tile."""

from __future__ import annotations

import sys

from pi_edge.errors import TooLarge
from pi_edge.tasks.style.stylist import MARGIN, MULTIPLE

DEFAULT = 200
"""Megabytes of resident memory that a command takes at most unless told otherwise."""

BASE = 80.0
"""Megabytes of Python, NumPy, the runtime and libvips with its buffers, as measured."""

TILE_BYTES = 165.0
"""Bytes that the network takes for each pixel of a tile, as measured at 512 to 1088 pixels."""

LARGEST = 1024 * 1024
"""More pixels a tile do not make it faster."""

SMALLEST = (8 * MULTIPLE + 2 * MARGIN) ** 2


def tile_pixels(max_memory: int, width: int, channels: int = 3) -> int:
    """Pixels a tile may have, margins included.

    Args:
        max_memory: megabytes of resident memory for the whole process.
        width: of the picture; rows as high as a tile are held of it, read and written.

    Raises:
        TooLarge: not even the smallest tiles fit.
    """
    room = (max_memory - BASE) * 1e6
    # A tile of side s takes s*s*TILE_BYTES, and its strip 4*s*width*channels: the rows held, the
    # next ones joined to them, the rows made, and their copy on the way out.
    strip = 4.0 * width * channels
    side = (-strip + (strip * strip + 4 * TILE_BYTES * max(room, 0.0)) ** 0.5) / (2 * TILE_BYTES)
    if side * side < SMALLEST:
        least = BASE + (SMALLEST * TILE_BYTES + SMALLEST**0.5 * strip) / 1e6
        raise TooLarge(
            f"a picture {width} pixels wide needs {least:.0f} MB: allow that with --max-memory"
        )
    return int(min(side * side, LARGEST))


def resident() -> float:
    """Megabytes of memory this process has taken at most so far."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
