"""What glibc does with memory that was freed (mallopt(3)); other C libraries stay as they are."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping

TRIM_THRESHOLD = -1
MMAP_THRESHOLD = -3
ARENA_MAX = -8

# A photo's arrays are below the first, and all that one frees together is below the second.
_PHOTO = {MMAP_THRESHOLD: 4 << 20, TRIM_THRESHOLD: 16 << 20}


def set_options(values: Mapping[int, int]) -> bool:
    """Set glibc's options by number, for the whole process; False where they cannot be set."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    return hasattr(libc, "mallopt") and all(libc.mallopt(*item) for item in values.items())


def keep_freed() -> None:
    """Keep up to 16 MB of what is freed for what comes next.

    Else the next array of the same photo takes new pages from the kernel, thousands a photo, each
    of which is cleared first: a fifth of the time in which a digit is found on one.
    """
    set_options(_PHOTO)
