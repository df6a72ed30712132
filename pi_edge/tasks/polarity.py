"""Dark strokes on a light page, or light strokes on a dark one?

A dark 0 has a light inside, so narrow light spots alone prove nothing: strokes are both narrow and
off the page's level, which is the median of a wide neighbourhood. The lit corner of a page on a
table is that too, so the narrowest window that gives a clear answer is believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import morphology

_WINDOWS = (0.05, 0.09, 0.15, 0.25)  # over the shorter side
_NEIGHBOURHOOD = 0.3
_NOISE = 10  # levels of 255

# On the scale of square roots ink in shadow weighs nearly what it weighs in the light.
_ROOT = np.sqrt(np.arange(256) * 255).astype(np.uint8)


def light_on_dark(luma: NDArray[np.uint8]) -> bool:
    """Whether the strokes of uint8 [h, w] are lighter than their page."""
    small = _ROOT[morphology.shrink(luma, max(1, max(luma.shape) // 240))]
    values = small.astype(np.float32)
    off = values - _level(small)
    found = []
    for part in _WINDOWS:
        window = max(5, int(min(small.shape) * part)) | 1
        dark = _energy(np.minimum(morphology.closing(small, window) - values, -off))
        light = _energy(np.minimum(values - morphology.opening(small, window), off))
        found.append((dark, light))
    most = max(max(pair) for pair in found)
    for dark, light in found:
        if max(dark, light) > 0.2 * most and max(dark, light) > 3 * min(dark, light):
            return light > dark
    dark, light = found[-1]
    return light > dark


def _energy(height: NDArray[np.float32]) -> float:
    return float((np.maximum(height - _NOISE, 0) ** 2).sum())


def _level(plane: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The median of each pixel's wide neighbourhood, [h, w], found on a coarse copy."""
    coarse = morphology.shrink(plane, max(1, max(plane.shape) // 48))
    window = max(3, int(min(coarse.shape) * _NEIGHBOURHOOD)) | 1
    padded = np.pad(coarse, window // 2, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    flat = views.reshape(*coarse.shape, -1)
    middle = flat.shape[-1] // 2
    level = np.partition(flat, middle, axis=-1)[..., middle].astype(np.float32)
    rows = np.arange(plane.shape[0]) * coarse.shape[0] // plane.shape[0]
    columns = np.arange(plane.shape[1]) * coarse.shape[1] // plane.shape[1]
    return np.asarray(level[rows][:, columns], np.float32)
