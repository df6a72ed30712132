"""Find the digits in a photograph: a coarse look for where and how thick, then a fine one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import candidates, ink, mnist_style, morphology, polarity, rules

COARSE_SIDE = 400
_WINDOWS = (0.45, 0.2, 0.1)
"""The coarse look's closing windows over the shorter side. The widest bridges any pen; where its
ink is one with a shadow or a table, the next may tell them apart."""

_LESS_LIKELY = 0.25
_NARROWER = 0.03
_CUT_OFF = 0.15
"""Doubts about a reading of the other polarity, one through each further window, and one that
leaves out strong ink at the picture's edge. A network's certainty, 0 to 1, outweighs them."""

_BLOB = 0.5
"""Strokes wider than this over the length of what they make are a blob."""


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
class Reading:
    """One way to see the picture.

    Attributes:
        glyphs: at least one, left to right.
        doubt: 0 and more: how much there is against it before anybody reads it.
    """

    glyphs: tuple[Glyph, ...]
    doubt: float


@dataclass(frozen=True)
class _Look:
    """What the coarse look found: strokes of this polarity, bridged by this window."""

    light: bool
    window: int
    doubt: float


def readings(luma: NDArray[np.uint8]) -> Iterator[Reading]:
    """The digits in uint8 [h, w] in one or several readings, likeliest first.

    What is ink and what is shadow, or which of two greys is the page, cannot always be told from
    shapes alone: whoever knows digits can tell by which reading makes sense.
    """
    step = max(1, round(max(luma.shape) / COARSE_SIDE))
    for look in _looks(morphology.shrink(luma, step), step):
        reading = _fine(luma, look)
        if reading is not None:
            yield reading


def _fine(luma: NDArray[np.uint8], look: _Look) -> Reading | None:
    isolated = rules.remove(ink.isolate(_dark(luma, look.light), look.window))
    glyphs = []
    found = candidates.find(isolated)
    doubt = _CUT_OFF if found.cut_off > 0.5 else 0.0
    for candidate in found.line:
        left, top, right, bottom = candidate.box
        depth = isolated.depth[top:bottom, left:right]
        pixels = mnist_style.render(depth, candidate.level, candidate.own)
        glyphs.append(Glyph(pixels, candidate.box))
        doubt += _blobbiness(candidate) + _lopsidedness(candidate, isolated)
    return Reading(tuple(glyphs), look.doubt + doubt) if glyphs else None


def _blobbiness(candidate: candidates.Candidate) -> float:
    """How much more a stain looks like a blob, or a page with a hole, than like strokes."""
    thick = candidate.pen / max(candidate.own.shape)
    # A 1 may fill its narrow box; in a wide one strokes leave gaps.
    wide = candidate.own.shape[1] > 0.5 * candidate.own.shape[0]
    full = float(candidate.own.mean()) if wide else 0.0
    return float(4 * max(0.0, thick - 0.23) + 3 * max(0.0, full - 0.58))


def _lopsidedness(candidate: candidates.Candidate, isolated: ink.Ink) -> float:
    """How much of what surrounds a stain is as dark as the stain: a stroke has page on both sides,
    the corner of a table has table on one."""
    reach = 4
    left, top, right, bottom = candidate.box
    rows = slice(max(0, top - reach), bottom + reach)
    columns = slice(max(0, left - reach), right + reach)
    luma = isolated.luma[rows, columns].astype(np.float32)
    own = np.zeros(luma.shape, bool)
    y, x = top - rows.start, left - columns.start
    own[y : y + bottom - top, x : x + right - left] = candidate.own
    near = own
    for step in range(reach - 1):
        near = morphology.grow(near, corners=step % 2 == 0)
    ring = morphology.grow(near, corners=True) & ~near
    if not ring.any():
        return 0.0
    # Each place is held against the ink beside it, since a shadow may cross both.
    contrast = isolated.depth[rows, columns] * isolated.page[rows, columns]
    window = 2 * reach + 3
    stain = -morphology.dilation(np.where(own, -luma, -255), window)[ring]
    beside = morphology.dilation(np.where(own, contrast, 0), window)[ring]
    alike = luma[ring] - stain < 0.3 * beside
    return 4 * max(0.0, float(alike.mean()) - 0.15)


def _dark(luma: NDArray[np.uint8], light: bool) -> NDArray[np.uint8]:
    return np.bitwise_not(luma) if light else luma


def _looks(coarse: NDArray[np.uint8], step: int) -> Iterator[_Look]:
    """The different looks worth a fine one, likeliest first."""
    likelier = polarity.light_on_dark(coarse)
    for light in (likelier, not likelier):
        windows: list[int] = []
        for part in _WINDOWS:
            bridge = max(5, int(min(coarse.shape) * part))
            pen = _pen(_dark(coarse, light), bridge)
            if pen is None:
                continue
            # Three pens bridge every crossing of strokes, and a finger's shadow is wider.
            window = min(bridge * step, int(3.5 * pen * step) + 6)
            if all(not 0.75 < window / other < 1.33 for other in windows):
                windows.append(window)
                doubt = _LESS_LIKELY * (light != likelier) + _NARROWER * (len(windows) - 1)
                yield _Look(light, window, doubt)


def _pen(luma: NDArray[np.uint8], window: int) -> float | None:
    """The width of the strokes in a picture, None where there are no strokes."""
    found = candidates.find(rules.remove(ink.isolate(luma, window))).line
    if not found or any(c.pen > _BLOB * max(c.own.shape) for c in found):
        return None
    return max(c.pen for c in found)
