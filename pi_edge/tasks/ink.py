"""From a photograph to ink: how much darker (or, on a board, lighter) than its page each pixel is.

Light falls unevenly but multiplies, so ink is measured as the part of the page's own light that it
swallows. The page's light is a morphological closing (Serra 1982): it bridges whatever is narrower
than its window, as strokes are, and keeps the edges of what is wider, as hard shadows are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

WINDOW = 0.25
"""The closing's window over the picture's shorter side: wider than any stroke."""

_POLARITY_WINDOWS = (0.05, 0.09, 0.15, WINDOW)

DARKEST_PAGE = 40
"""A page darker than this of 255 counts as this bright: its noise must not become ink."""


def grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma (ITU-R BT.601, in Pillow's integer arithmetic: exact for grey) of [h, w, 3]."""
    r, g, b = (pixels[..., i].astype(np.uint32) for i in range(3))
    return ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16).astype(np.uint8)


def isolate(luma: NDArray[np.uint8]) -> Plane:
    """The ink of a photograph.

    Args:
        luma: uint8 [h, w].

    Returns:
        float32 [h, w]: 0 on the bare page, towards 1 where ink swallows all light; noise about 0.
    """
    smooth = _blur(luma)
    if is_light_on_dark(smooth):
        smooth = 255 - smooth
    window = max(5, int(min(luma.shape) * WINDOW)) | 1
    page = closing(smooth, window)
    depth = page.astype(np.float32) - smooth
    depth /= np.maximum(page, DARKEST_PAGE)
    # Noise lifts the closing above the true page; most pixels are page, so the median tells how far.
    return depth - np.median(depth[::3, ::3])


def noise(ink: Plane) -> float:
    """The standard deviation of the bare page, from the lower half that no ink reaches."""
    sample = ink[::3, ::3]
    below = sample[sample <= 0]
    return float(1.4826 * np.median(-below)) if len(below) else 0.0


def closing(plane: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Grey closing of [h, w] by a square of odd side ``window``."""
    high = _slide(_slide(plane, window, np.maximum, 0), window, np.maximum, 1)
    return _slide(_slide(high, window, np.minimum, 0), window, np.minimum, 1)


def opening(plane: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Grey opening of [h, w] by a square of odd side ``window``."""
    return 255 - closing(255 - plane, window)


def opening_along(plane: Plane, window: int, axis: int) -> Plane:
    """Opening by a line of odd length ``window`` along one axis."""
    low = _slide(plane, window, np.minimum, axis)
    return _slide(low, window, np.maximum, axis)


def is_light_on_dark(luma: NDArray[np.uint8]) -> bool:
    """Whether the strokes of uint8 [h, w] are lighter than their page.

    A dark 0 has a light inside, so narrow light spots alone prove nothing: what counts is both
    narrow and off the page's level, which is the median of a wide neighbourhood. A page's lit
    corner is that too, so the narrowest window that gives a clear answer is believed.
    """
    small = _shrink(luma, 240)
    off = small.astype(np.float32) - _level(small)
    found = []
    for part in _POLARITY_WINDOWS:
        window = max(5, int(min(small.shape) * part)) | 1
        dark = _energy(np.minimum(closing(small, window).astype(np.float32) - small, -off))
        light = _energy(np.minimum(small - opening(small, window).astype(np.float32), off))
        found.append((dark, light))
    most = max(map(max, found))
    for dark, light in found:
        if max(dark, light) > 0.15 * most and max(dark, light) > 4 * min(dark, light):
            return light > dark
    dark, light = found[-1]
    return light > dark


def _energy(height: Plane) -> float:
    return float((np.maximum(height - 10, 0) ** 2).sum())


def _level(plane: NDArray[np.uint8]) -> Plane:
    """The median of each pixel's wide neighbourhood, [h, w], found on a coarse copy."""
    coarse = _shrink(plane, 48)
    window = max(3, int(min(coarse.shape) * 0.3)) | 1
    padded = np.pad(coarse, window // 2, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    level = np.median(views.reshape(*coarse.shape, -1), axis=-1).astype(np.float32)
    rows = np.arange(plane.shape[0]) * coarse.shape[0] // plane.shape[0]
    columns = np.arange(plane.shape[1]) * coarse.shape[1] // plane.shape[1]
    return level[rows][:, columns]


def _shrink(plane: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Averaged by a whole factor so that the longer side is below twice ``side``."""
    step = max(1, max(plane.shape) // side)
    height, width = max(1, plane.shape[0] // step), max(1, plane.shape[1] // step)
    blocks = plane[: height * step, : width * step]
    if blocks.shape[0] < step or blocks.shape[1] < step:
        return plane[::step, ::step]
    return blocks.reshape(height, step, width, step).mean((1, 3)).astype(np.uint8)


def _blur(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A 3x3 binomial blur: takes the edge off noise and JPEG, leaves strokes."""
    padded = np.pad(luma, 1, mode="edge").astype(np.uint16)
    rows = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return ((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) >> 4).astype(np.uint8)


def _slide(plane: NDArray[Any], window: int, extreme: Any, axis: int) -> NDArray[Any]:
    """Running maximum or minimum over an odd window along an axis, by doubling."""
    half = window // 2
    pad = [(0, 0), (0, 0)]
    pad[axis] = (half, half)
    padded = np.pad(plane, pad, mode="edge")
    if axis == 0:
        return _double(padded, window, extreme)
    return _double(padded.T, window, extreme).T


def _double(plane: NDArray[Any], window: int, extreme: Any) -> NDArray[Any]:
    reach = 1
    while reach * 2 <= window:
        plane = extreme(plane[:-reach], plane[reach:])
        reach *= 2
    rest = window - reach
    return extreme(plane[:-rest], plane[rest:]) if rest else plane
