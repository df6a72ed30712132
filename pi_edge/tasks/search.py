"""Find the digits in a photograph: a coarse look for where and how thick, then a fine one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import candidates, ink, mnist_style, morphology, polarity, rules

COARSE_SIDE = 400
_WINDOWS = (0.45, 0.2, 0.1)
"""The coarse look's closing windows over the shorter side. The widest bridges any pen; where its
ink is one with a shadow or a table, the next may tell them apart."""


@dataclass(frozen=True)
class Glyph:
    """One digit.

    Attributes:
        pixels: float32 [28, 28], 0 to 255, ink bright.
        box: left, top, right, bottom in pixels, the latter two exclusive.
    """

    pixels: ink.Plane
    box: candidates.Box


@dataclass(frozen=True)
class _Look:
    """What the coarse look found."""

    light: bool
    window: int
    pen: float
    box: candidates.Box


def glyphs(luma: NDArray[np.uint8]) -> list[Glyph]:
    """The digits in uint8 [h, w], left to right."""
    step = max(1, round(max(luma.shape) / COARSE_SIDE))
    look = _coarse(morphology.shrink(luma, step))
    if look is None:
        return []
    # Three pens bridge every crossing of strokes, and a finger's shadow is wider.
    window = min(look.window * step, int(3.5 * look.pen * step) + 6)
    isolated = rules.remove(ink.isolate(_dark(luma, look.light), window))
    found = []
    for candidate in candidates.find(isolated):
        left, top, right, bottom = candidate.box
        depth = isolated.depth[top:bottom, left:right]
        pixels = mnist_style.render(depth, candidate.level, candidate.own)
        found.append(Glyph(pixels, candidate.box))
    return found


def _dark(luma: NDArray[np.uint8], light: bool) -> NDArray[np.uint8]:
    return np.bitwise_not(luma) if light else luma


def _coarse(luma: NDArray[np.uint8]) -> _Look | None:
    light, sure = polarity.light_on_dark(luma)
    first = _strokes(luma, light)
    if sure:
        return first
    second = _strokes(luma, not light)
    if first is None or second is None:
        return first or second
    # The inside of an 0 may look like a stroke, too; the outer one is the digit.
    return second if _encloses(second.box, first.box) else first


def _strokes(luma: NDArray[np.uint8], light: bool) -> _Look | None:
    plane = _dark(luma, light)
    for part in _WINDOWS:
        window = max(5, int(min(luma.shape) * part))
        found = candidates.find(rules.remove(ink.isolate(plane, window)))
        found = [c for c in found if c.pen < 0.5 * max(c.own.shape)]
        if found:
            boxes = np.array([c.box for c in found])
            low, high = boxes.min(0), boxes.max(0)
            box = (int(low[0]), int(low[1]), int(high[2]), int(high[3]))
            return _Look(light, window, max(c.pen for c in found), box)
    return None


def _encloses(a: candidates.Box, b: candidates.Box) -> bool:
    return a[0] <= b[0] and a[1] <= b[1] and a[2] >= b[2] and a[3] >= b[3]
