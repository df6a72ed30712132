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

_THIN = 0.06
"""Strokes thinner than this, over the shorter side, are no shadow: no other window need look."""

_MOST_READINGS = 4


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
    """What the coarse look found: strokes of this polarity, bridged by this window."""

    light: bool
    window: int


def readings(luma: NDArray[np.uint8]) -> list[list[Glyph]]:
    """The digits in uint8 [h, w], left to right, in one or several readings, likeliest first.

    What is ink and what is shadow, or which of two greys is the page, cannot always be told from
    shapes alone: whoever knows digits can tell by which reading makes sense.
    """
    step = max(1, round(max(luma.shape) / COARSE_SIDE))
    found = []
    for look in _looks(morphology.shrink(luma, step), step)[:_MOST_READINGS]:
        glyphs = _fine(luma, look)
        if glyphs:
            found.append(glyphs)
    return found


def _fine(luma: NDArray[np.uint8], look: _Look) -> list[Glyph]:
    isolated = rules.remove(ink.isolate(_dark(luma, look.light), look.window))
    found = []
    for candidate in candidates.find(isolated):
        left, top, right, bottom = candidate.box
        depth = isolated.depth[top:bottom, left:right]
        pixels = mnist_style.render(depth, candidate.level, candidate.own)
        found.append(Glyph(pixels, candidate.box))
    return found


def _dark(luma: NDArray[np.uint8], light: bool) -> NDArray[np.uint8]:
    return np.bitwise_not(luma) if light else luma


def _looks(coarse: NDArray[np.uint8], step: int) -> list[_Look]:
    """The different looks worth a fine one, likeliest first."""
    light, sure = polarity.light_on_dark(coarse)
    looks: list[_Look] = []
    for polarity_tried in (light,) if sure else (light, not light):
        for part in _WINDOWS:
            window = max(5, int(min(coarse.shape) * part))
            pen = _pen(_dark(coarse, polarity_tried), window)
            if pen is None:
                continue
            # Three pens bridge every crossing of strokes, and a finger's shadow is wider.
            look = _Look(polarity_tried, min(window * step, int(3.5 * pen * step) + 6))
            if all(
                look.light != other.light or not 0.75 < look.window / other.window < 1.33
                for other in looks
            ):
                looks.append(look)
            if pen < _THIN * min(coarse.shape):
                break
    return looks


def _pen(luma: NDArray[np.uint8], window: int) -> float | None:
    """The width of the strokes in a picture, None where there are none."""
    found = candidates.find(rules.remove(ink.isolate(luma, window)))
    pens = [c.pen for c in found if c.pen < 0.5 * max(c.own.shape)]
    return max(pens) if pens else None
