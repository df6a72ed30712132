"""From a photograph to ink: how much of its page's light each pixel swallows.

Light falls unevenly but multiplies, so ink is measured as a part of the light on the page around
it. That light is a morphological closing: it bridges whatever is narrower than its window, as
strokes are, and keeps the edges of what is wider, as shadows are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import morphology
from pi_edge.tasks.order_statistics import median

Plane = NDArray[np.float32]

DARKEST_PAGE = 40
"""A page darker than this of 255 counts as this bright: its noise must not become ink."""

FAINTEST = 0.07
"""Less than this is no ink, on however clean a page: paper's own texture reaches it."""

_SIGMAS = 4.5


@dataclass(frozen=True)
class Ink:
    """Attributes:
    depth: float32 [h, w]: 0 on the bare page, towards 1 where ink swallows all light.
    page: float32 [h, w], the page's light without the ink, 0 to 255.
    luma: uint8 [h, w], the picture itself, a little smoothed.
    noise: standard deviation of the bare page, of 255.
    """

    depth: Plane
    page: Plane
    luma: NDArray[np.uint8]
    noise: float

    def floor(self) -> Plane:
        """What is above this [h, w] is more than noise, which weighs more where light is poor."""
        floor: Plane = np.maximum(
            np.float32(_SIGMAS * self.noise) / self.page, np.float32(FAINTEST)
        )
        return floor


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma (ITU-R BT.601, in Pillow's integer arithmetic: exact for grey) of [h, w, 3]."""
    r, g, b = (pixels[..., i].astype(np.uint32) for i in range(3))
    luma = r * 19595 + g * 38470 + b * 7471 + 0x8000
    return np.asarray(luma >> 16, np.uint8)


def isolate(luma: NDArray[np.uint8], window: int) -> Ink:
    """The ink of a photograph of dark strokes on a light page.

    Args:
        luma: uint8 [h, w]; of light strokes on a dark page its negative.
        window: side of the closing's square in pixels, wider than any stroke.
    """
    smooth = morphology.blur(luma)
    page = morphology.closing(smooth, window | 1)
    contrast = page.astype(np.float32) - smooth
    # Where light is good most pixels are bare page: noise lifts the closing above it a little.
    sample, light = contrast[::3, ::3], page[::3, ::3]
    sample = sample[light >= median(light.ravel())]
    level = median(sample)
    contrast -= level
    below = level - sample[sample <= level]
    noise = 1.4826 * float(median(below))
    page_light = np.maximum(page, DARKEST_PAGE).astype(np.float32)
    return Ink(contrast / page_light, page_light, smooth, noise)
