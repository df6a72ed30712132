"""What tests of styling import."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from support import ROOT

TINY = ROOT / "tests" / "data" / "style"


def waves(height: int, width: int) -> NDArray[np.uint8]:
    """A photo [height, width, 3] with soft colours everywhere."""
    y, x = np.mgrid[:height, :width] / 40
    channels = [np.sin(x + y), np.cos(x * 0.7), np.sin(y * 1.3 - x * 0.4)]
    return (128 + 120 * np.stack(channels, 2)).astype(np.uint8)
