"""Ruled and squared paper: find its printed lines and take them out of the ink.

A rule is straight (a camera bends it a little), thin, and runs across the whole page, which no
stroke of a digit does. Print lies under the pen and swallows its part of the light like a second
sheet of glass, so it is divided out; where a stroke crosses, the ink stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.ink import Plane, opening_along

MAX_THICKNESS = 0.012
"""Of a rule, over the picture's longer side."""

_MAX_TILT = 18.0  # degrees; 15 and something for the lens
_ANGLES = np.radians(np.arange(-_MAX_TILT, _MAX_TILT + 0.01, 0.5))
_MAX_POINTS = 12_000
_MAX_RULES = 80
_BIN = 3  # pixels of the Hough table's offsets


@dataclass(frozen=True)
class Rule:
    """A near-horizontal line y = a + b x + c x², x in pixels from the left."""

    a: float
    b: float
    c: float

    def at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.a + self.b * x + self.c * x * x


def remove(ink: Plane, threshold: float) -> Plane:
    """``ink`` [h, w] without the rules in either direction.

    Args:
        threshold: ink above this is more than noise.
    """
    clean = _remove_horizontal(ink, threshold)
    return np.ascontiguousarray(_remove_horizontal(np.ascontiguousarray(clean.T), threshold).T)


def _remove_horizontal(ink: Plane, threshold: float) -> Plane:
    thick = max(3, round(MAX_THICKNESS * max(ink.shape)))
    thin = ink - opening_along(ink, 2 * thick + 1, axis=0)
    rules = find(thin > threshold, ink.shape[1])
    if rules:
        ink = ink.copy()
        for rule in rules:
            _divide_out(ink, rule, thick)
    return ink


def find(mask: NDArray[np.bool_], width: int) -> list[Rule]:
    """The near-horizontal rules in a mask of thin things: peaks of a Hough transform, each fitted
    to the points along it and kept when they cover most of the picture's width."""
    y, x = np.nonzero(mask)
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
        start = (offset + low) * _BIN
        rule = _fit(Rule(float(start), float(np.tan(_ANGLES[angle])), 0.0), x, y, width)
        if rule is not None:
            rules.append(rule)
    return rules


def _fit(rule: Rule, x: NDArray[np.int64], y: NDArray[np.int64], width: int) -> Rule | None:
    """The rule through the points near ``rule``; None unless they cover most of the width."""
    for reach, degree in ((6.0, 1), (3.0, 2), (2.0, 2)):
        near = np.abs(y - rule.at(x)) <= reach
        if np.count_nonzero(near) < 0.3 * width:
            return None
        fit = np.polynomial.polynomial.polyfit(x[near], y[near], degree)
        rule = Rule(*(float(v) for v in np.append(fit, 0.0)[:3]))
    near = np.abs(y - rule.at(x)) <= 2.0
    covered = np.zeros(width, bool)
    covered[x[near]] = True
    columns = np.flatnonzero(covered)
    if len(columns) == 0:
        return None
    span = columns[-1] - columns[0] + 1
    return rule if span > 0.6 * width and len(columns) > 0.7 * span else None


def _divide_out(ink: Plane, rule: Rule, thick: int) -> None:
    """Take one rule out of ``ink``, in place."""
    height, width = ink.shape
    x = np.arange(width)
    centre = rule.at(x.astype(np.float64))
    inside = (centre > -thick) & (centre < height + thick)
    x, middle = x[inside], np.rint(centre[inside]).astype(np.int64)
    if len(x) == 0:
        return
    reach = thick + 2
    rows = middle + np.arange(-reach - 2, reach + 3)[:, None]
    real = (rows >= 0) & (rows < height)
    strip = ink[rows.clip(0, height - 1), x]
    profile = np.median(strip, axis=1)
    profile -= min(float(profile[0]), float(profile[-1]))
    peak = float(profile.max())
    band = profile > 0.15 * peak
    middle_row = int(profile.argmax())
    top = (
        middle_row - int(np.argmin(band[middle_row::-1])) + 1
        if not band[: middle_row + 1].all()
        else 0
    )
    end = (
        middle_row + int(np.argmin(band[middle_row:])) if not band[middle_row:].all() else len(band)
    )
    # Outside its band the rule swallows nothing.
    inside_band = np.zeros(len(band), bool)
    inside_band[max(0, top - 1) : end + 1] = True
    share = np.where(inside_band, np.clip(profile, 0, 0.9), 0)[:, None]
    clean = 1 - (1 - strip) / (1 - share)
    # What is left of a dark rule is its own unevenness, not ink.
    clean[(clean < 0.5 * peak) & inside_band[:, None]] = 0
    above = _widest(strip[max(0, top - 3) : max(1, top - 1)].max(0), end - top)
    below = _widest(strip[min(len(band) - 1, end + 1) : end + 4].max(0), end - top)
    bridge = np.minimum(above, below)
    bridge[bridge < 0.6 * peak] = 0
    clean = np.where(inside_band[:, None], np.maximum(clean, np.minimum(bridge, strip)), strip)
    ink[rows[real], np.broadcast_to(x, rows.shape)[real]] = clean[real]


def _widest(row: Plane, reach: int) -> Plane:
    """Running maximum: a stroke that crosses at a slant leaves the band a little aside."""
    reach = max(1, reach // 2)
    padded = np.pad(row, reach, mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return views.max(-1)
