"""Ruled and squared paper: find its printed lines and take them out of the ink.

A rule is straight (a camera bends it a little), thin, and runs across the whole page, which no
stroke of a digit does. Print lies under the pen and swallows its part of the light like a second
sheet of glass, so it is divided out; where a stroke crosses, the ink stays.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import morphology
from pi_edge.tasks.ink import Ink, Plane
from pi_edge.tasks.order_statistics import median, percentile

MAX_THICKNESS = 0.012
"""Of a rule, over the picture's longer side."""

_MAX_TILT = 18.0  # degrees; 15 and something for the lens
_ANGLES = np.radians(np.arange(-_MAX_TILT, _MAX_TILT + 0.01, 0.5))
_MAX_POINTS = 12_000
_MAX_RULES = 80
_LEAST_SIDE = 32  # pixels; in a smaller picture strokes and rules look the same
_SPAN = 0.9
"""How much of the page's width a rule spans at least; the stem of a tall 1 spans less."""

_BIN = 3  # pixels of the Hough table's offsets


@dataclass(frozen=True)
class Rule:
    """A near-horizontal line y = a + b t + c t², where t goes from 0 to 1 across ``width``."""

    a: float
    b: float
    c: float
    width: int

    def at(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """The heights in pixels at ``x`` [n] pixels from the left."""
        t = x / self.width
        y: NDArray[np.float64] = self.a + self.b * t + self.c * t * t
        return y


def remove(ink: Ink) -> Ink:
    """The same without the rules in either direction."""
    if min(ink.depth.shape) < _LEAST_SIDE:
        return ink
    floor = ink.floor()
    depth = _remove_horizontal(ink.depth, floor, ink.luma)
    turned = _remove_horizontal(_turn(depth), _turn(floor), _turn(ink.luma))
    return replace(ink, depth=_turn(turned))


def _turn(plane: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(plane.T)


def _remove_horizontal(depth: Plane, floor: Plane, luma: NDArray[np.uint8]) -> Plane:
    thick = max(3, round(MAX_THICKNESS * max(depth.shape)))
    thin = depth - morphology.opening_along(depth, 2 * thick + 1, axis=0)
    rules = find(thin > floor, depth > floor, luma)
    if rules:
        depth = depth.copy()
        for rule in rules:
            _divide_out(depth, rule, thick)
    return depth


def find(
    thin: NDArray[np.bool_], any_ink: NDArray[np.bool_], luma: NDArray[np.uint8]
) -> list[Rule]:
    """The near-horizontal rules of a page: peaks of a Hough transform, each fitted to the points
    along it and kept when ink covers it over most of the picture's width.

    Args:
        thin: bool [h, w], ink that is thin from top to bottom.
        any_ink: bool [h, w], all ink: a rule goes on under a broad stroke.
        luma: uint8 [h, w], which tells where a page ends on a dark table.
    """
    width = thin.shape[1]
    y, x = np.nonzero(thin)
    if len(x) < 0.3 * width:
        return []
    stride = -(-len(x) // _MAX_POINTS)
    py, px = y[::stride].astype(np.float32), x[::stride].astype(np.float32)
    offsets = (py[None] - np.tan(_ANGLES)[:, None].astype(np.float32) * px[None]) / _BIN
    low = int(np.floor(offsets.min()))
    bins = offsets.astype(np.int32) - low + 1
    size = int(bins.max()) + 2
    votes = np.stack([np.bincount(row, minlength=size) for row in bins])
    rules: list[Rule] = []
    alive = np.ones(len(px), bool)
    for _ in range(_MAX_RULES):
        # A line may straddle two bins.
        pairs = votes[:, :-1] + votes[:, 1:]
        angle, offset = np.unravel_index(int(pairs.argmax()), pairs.shape)
        if pairs[angle, offset] * stride < 0.3 * width:
            break
        near = alive & (np.abs(bins[angle] - offset - 0.5) < 2)
        alive &= ~near
        for row, column in enumerate(bins[:, near]):
            votes[row] -= np.bincount(column, minlength=size)
        start, slope = float((offset + low) * _BIN), float(np.tan(_ANGLES[angle]))
        rule = _fit(Rule(start, slope * width, 0.0, width), x, y, any_ink, luma)
        if rule is not None:
            rules.append(rule)
    return rules


def _fit(
    rule: Rule,
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    any_ink: NDArray[np.bool_],
    luma: NDArray[np.uint8],
) -> Rule | None:
    """The rule through the points near ``rule``; None unless ink covers it across the page."""
    height, width = any_ink.shape
    # A look at all points once; the rule moves little while it is fitted to those near it.
    around = np.abs(y - rule.at(x)) <= 12
    x, y = x[around], y[around]
    for reach, degree in ((6.0, 1), (3.0, 2), (2.0, 2)):
        near = np.abs(y - rule.at(x)) <= reach
        if np.count_nonzero(near) < 0.3 * width:
            return None
        powers = (x[near] / width)[:, None] ** np.arange(degree + 1)
        # NumPy's own cut-off, said here: asking it for that warns of subnormals on 32-bit ARM.
        cut_off = sys.float_info.epsilon * powers.shape[1]
        fit = np.linalg.lstsq(powers.T @ powers, powers.T @ y[near], rcond=cut_off)[0]
        rule = Rule(float(fit[0]), float(fit[1]), float(fit[2]) if degree > 1 else 0.0, width)
    columns = np.arange(width)
    middle = np.rint(rule.at(columns)).astype(np.int64)
    seen = (middle >= 0) & (middle < height)
    if np.count_nonzero(seen) < 0.3 * width:
        return None
    covered = np.zeros(width, bool)
    for shift in (-1, 0, 1):
        covered |= any_ink[(middle + shift).clip(0, height - 1), columns] & seen
    # The page is as light as most of what lies beside the rule, a table is darker.
    beside = np.maximum(*(luma[(middle + s).clip(0, height - 1), columns] for s in (-6, 6)))
    page = seen & (beside > 0.45 * percentile(beside[seen], 80))
    covered &= page
    ends = np.flatnonzero(covered)
    if not len(ends):
        return None
    span = ends[-1] - ends[0] + 1
    across = np.count_nonzero(page)
    whole = span > _SPAN * across and len(ends) > 0.7 * across
    return rule if whole else None


def _divide_out(depth: Plane, rule: Rule, thick: int) -> None:
    """Take one rule out of ``depth`` [h, w], in place."""
    height, width = depth.shape
    x = np.arange(width)
    middle = np.rint(rule.at(x)).astype(np.int64)
    x = x[(middle > -thick) & (middle < height + thick)]
    middle = middle[x]
    if not len(x):
        return
    rows = middle + np.arange(-thick - 4, thick + 5)[:, None]
    real = (rows >= 0) & (rows < height)
    strip = depth[rows.clip(0, height - 1), x]
    profile = median(strip[:, ::3])
    profile -= min(float(profile[0]), float(profile[-1]))
    peak = float(profile.max())
    top, end = _band(profile)
    band = np.zeros((len(rows), 1), bool)
    band[top:end] = True
    share = np.where(band[:, 0], np.clip(profile, 0, 0.9), 0)[:, None]
    clean = 1 - (1 - strip) / (1 - share)
    # What is left of a dark rule is its own unevenness, not ink.
    clean[band & (clean < 0.5 * peak)] = 0
    # Ink above and below goes on between; at a slant it leaves the band a little aside.
    lean = max(1, (end - top) // 2 - 1)
    above = morphology.widest(strip[max(0, top - 2) : max(1, top)].max(0), lean)
    below = morphology.widest(strip[min(len(rows) - 1, end) : end + 2].max(0), lean)
    bridge = np.minimum(above, below)
    bridge[bridge < 0.6 * peak] = 0
    clean = np.where(band, np.maximum(clean, np.minimum(bridge, strip)), strip)
    depth[rows[real], np.broadcast_to(x, rows.shape)[real]] = clean[real]


def _band(profile: NDArray[Any]) -> tuple[int, int]:
    """First and past-the-last place around the peak where a rule swallows light."""
    faint = np.flatnonzero(profile < 0.15 * profile.max())
    peak = int(profile.argmax())
    before, after = faint[faint < peak], faint[faint > peak]
    top = int(before[-1]) if len(before) else 0
    end = int(after[0]) + 1 if len(after) else len(profile)
    return top, end
