"""A digit the way MNIST shows it.

MNIST's digits (LeCun et al., http://yann.lecun.com/exdb/mnist/) were scaled into a box of 20x20
pixels, aspect kept, with the grey levels that anti-aliasing gives, and placed in 28x28 by their
centre of mass.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import morphology
from pi_edge.tasks.ink import Plane

BOX = 20
SIDE = 28
PEN = (2.8, 3.2)
"""Stroke widths in the 20x20 box that MNIST's digits have; others are thickened or thinned."""


def render(ink: Plane, level: Plane, own: NDArray[np.bool_]) -> Plane:
    """A digit as MNIST would show it.

    Args:
        ink: float32 [h, w], cropped to the digit.
        level: float32 [h, w], the full strength of the ink there.
        own: bool [h, w], the digit's own pixels; what else is in the crop does not show.

    Returns:
        float32 [28, 28], 0 to 255.
    """
    from PIL import Image

    height, width = ink.shape
    work = 4  # pixels per MNIST pixel
    scale = BOX * work / max(height, width)
    near = morphology.grow(own, corners=True)
    full = np.where(own, level, 0).max() if own.any() else 1.0
    grey = np.clip(ink / np.where(level > 0, level, full), 0, 1) * near
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray((grey * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    pad = 3 * work
    big = np.zeros((size[1] + 2 * pad, size[0] + 2 * pad), np.uint8)
    big[pad:-pad, pad:-pad] = np.asarray(image)
    shape = _set_pen(big > 127, work)
    rows, columns = np.flatnonzero(shape.any(1)), np.flatnonzero(shape.any(0))
    if not len(rows):
        return np.zeros((SIDE, SIDE), np.float32)
    shape = shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(shape.shape)
    size = (max(1, round(shape.shape[1] * scale)), max(1, round(shape.shape[0] * scale)))
    soft = Image.fromarray(shape.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    return _centre(np.asarray(soft, np.float32))


def stroke_width(shape: NDArray[np.bool_]) -> float:
    """Width of the strokes in pixels: twice the area over the length of the outline.

    The outline is counted in the four directions and corrected for slanting edges (pi / 4).
    """
    padded = np.pad(shape, 1)
    outline = np.count_nonzero(padded[1:] != padded[:-1])
    outline += np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    return 2 * np.count_nonzero(shape) / max(outline * np.pi / 4, 1.0)


def _set_pen(shape: NDArray[np.bool_], work: int) -> NDArray[np.bool_]:
    width = stroke_width(shape) / work
    wanted = min(max(width, PEN[0]), PEN[1])
    change = round((wanted - width) * work / 2)
    for step in range(abs(change)):
        changed = _grow(shape, step) if change > 0 else ~_grow(~shape, step)
        if change < 0 and np.count_nonzero(changed) < 0.3 * np.count_nonzero(shape):
            break
        shape = changed
    return shape


def _grow(mask: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    # By turns with corners and without, a square and a lozenge make nearly a disc.
    return morphology.grow(mask, corners=step % 2 == 1)


def _centre(soft: Plane) -> Plane:
    """Into 28x28 by centre of mass, to whole pixels."""
    total = max(float(soft.sum()), 1e-6)
    height, width = soft.shape
    y = float(soft.sum(1) @ np.arange(height)) / total
    x = float(soft.sum(0) @ np.arange(width)) / total
    top = min(max(round(SIDE / 2 - y), 0), SIDE - height)
    left = min(max(round(SIDE / 2 - x), 0), SIDE - width)
    out = np.zeros((SIDE, SIDE), np.float32)
    out[top : top + height, left : left + width] = soft
    return out
