"""Bend a digit the way another hand would have written it.

Rotation, scale, shear and shift, and the elastic distortion of Simard, Steinkraus and
Platt, "Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis" (ICDAR 2003). All in NumPy and a few milliseconds a batch, so that a thread
beside the training step hides it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 28
CENTRE = (SIDE - 1) / 2

ROTATION = np.radians(15)
SCALE = 0.15
SHEAR = 0.15
SHIFT = 2.0
ELASTIC = 0.8
KNOTS = 6


def _upsampling() -> NDArray[np.float32]:
    """[28, KNOTS]: each pixel's weights over a coarse row of knots, smooth and summing to 1."""
    knots = np.linspace(-1, SIDE, KNOTS)
    spacing = knots[1] - knots[0]
    distance = (np.arange(SIDE)[:, None] - knots[None, :]) / spacing
    weights = np.exp(-0.5 * (distance / 0.6) ** 2)
    # Unit energy, so that ELASTIC is the displacement's standard deviation in pixels.
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return np.asarray(weights, np.float32)


UPSAMPLING = _upsampling()


def distort(
    images: NDArray[np.uint8],
    random: np.random.Generator,
    strength: float = 1.0,
    sharp: bool = False,
) -> NDArray[np.float32]:
    """Return each image of [n, 28, 28] distorted on its own, float32, still 0 to 255.

    `strength` 1 is as much as reads as the same digit, 0 is not at all. Pixels between
    pixels are interpolated linearly, which blurs, or with `sharp` by cubic convolution.
    """
    count = len(images)
    rotation, scale, sheared, shifted, elastic = (
        strength * most for most in (ROTATION, SCALE, SHEAR, SHIFT, ELASTIC)
    )
    angle = random.uniform(-rotation, rotation, count)
    size = random.uniform(1 - scale, 1 + scale, (2, count))
    shear = random.uniform(-sheared, sheared, count)
    shift = random.uniform(-shifted, shifted, (2, count))
    bends = random.standard_normal((2, count, KNOTS, KNOTS), dtype=np.float32)
    bends *= np.float32(elastic)

    # Where in the old picture each pixel of the new one comes from.
    cos, sin = np.cos(angle), np.sin(angle)
    xx, xy = cos / size[0], (sin + shear * cos) / size[0]
    yx, yy = -sin / size[1], (cos - shear * sin) / size[1]
    line = np.arange(SIDE, dtype=np.float32) - np.float32(CENTRE)
    x, y = UPSAMPLING @ bends @ UPSAMPLING.T
    x += _plane(xx, xy, shift[0] + CENTRE, line)
    y += _plane(yx, yy, shift[1] + CENTRE, line)
    return _sharply(images, x, y) if sharp else _sample(images, x, y)


def _plane(
    along: NDArray[np.float64],
    down: NDArray[np.float64],
    start: NDArray[np.float64],
    line: NDArray[np.float32],
) -> NDArray[np.float32]:
    along32, down32, start32 = (v.astype(np.float32)[:, None] for v in (along, down, start))
    return (along32 * line)[:, None, :] + (down32 * line + start32)[:, :, None]


def _sample(
    images: NDArray[np.uint8], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Bilinear interpolation of [n, 28, 28] at x, y; black beyond the edge."""
    count = len(images)
    side = SIDE + 4
    padded = np.zeros((count, side, side), np.float32)
    padded[:, 2:-2, 2:-2] = images
    np.clip(x + 2, 0, side - 1.001, out=x)
    np.clip(y + 2, 0, side - 1.001, out=y)
    left, top = x.astype(np.int32), y.astype(np.int32)
    x -= left
    y -= top
    at = top * side + left + (np.arange(count, dtype=np.int32) * side * side)[:, None, None]
    flat = padded.reshape(-1)
    upper = flat.take(at) * (1 - x)
    upper += flat.take(at + 1) * x
    lower = flat.take(at + side) * (1 - x)
    lower += flat.take(at + side + 1) * x
    upper += (lower - upper) * y
    return upper


def _sharply(
    images: NDArray[np.uint8], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Like `_sample`, by cubic convolution (Keys, 1981) over four by four pixels."""
    count = len(images)
    side = SIDE + 8
    padded = np.zeros((count, side, side), np.float32)
    padded[:, 4:-4, 4:-4] = images
    np.clip(x + 4, 1, side - 2.001, out=x)
    np.clip(y + 4, 1, side - 2.001, out=y)
    left, top = x.astype(np.int32), y.astype(np.int32)
    x -= left
    y -= top
    at = (top - 1) * side + left - 1
    at += (np.arange(count, dtype=np.int32) * side * side)[:, None, None]
    flat = padded.reshape(-1)
    total = np.zeros_like(x)
    across = _cubic(x)
    for row, weight in enumerate(_cubic(y)):
        line = flat.take(at + row * side) * across[0]
        for column in (1, 2, 3):
            line += flat.take(at + (row * side + column)) * across[column]
        total += line * weight
    # Cubics overshoot beside an edge; ink is never darker than black or brighter than white.
    return np.clip(total, 0, 255, out=total)


def _cubic(t: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """Weights of the four pixels around a point `t` of the way between the inner two."""
    return (
        t * (-0.5 + t * (1 - 0.5 * t)),
        1 + t * t * (1.5 * t - 2.5),
        t * (0.5 + t * (2 - 1.5 * t)),
        t * t * (0.5 * t - 0.5),
    )
