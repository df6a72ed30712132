"""Which ink is a digit: stains cut out, pieces joined, and one line of them kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import components
from pi_edge.tasks.ink import Ink, Plane
from pi_edge.tasks.mnist_style import stroke_width

Box = tuple[int, int, int, int]

_MOST_PIECES = 150
"""More stains than these, the strongest, are not looked at: a page of confetti must end too."""


@dataclass(frozen=True)
class Candidate:
    """The ink of what may be one digit.

    Attributes:
        box: left, top, right, bottom in pixels, the latter two exclusive.
        own: bool [h, w] of the box: the pixels of its ink.
        level: the full strength of its ink, as a part of the page's light.
        pen: width of its strokes in pixels.
    """

    box: Box
    own: NDArray[np.bool_]
    level: Plane
    pen: float


@dataclass(frozen=True)
class _Group:
    """Components that make one digit; ``mass`` is their ink in levels of grey times pixels."""

    members: tuple[int, ...]
    box: Box
    mass: float

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


def find(ink: Ink) -> list[Candidate]:
    """What may be digits, left to right."""
    mask, level = threshold(ink)
    parts = components.find(mask)
    if not len(parts):
        return []
    # Weighed in grey levels, not in parts of the light: a dark table's texture weighs nothing.
    contrast = (ink.depth * ink.page)[mask]
    mass = np.bincount(parts.labels[mask], contrast, len(parts))
    found = []
    for group in _line(_join_pieces(_pieces(parts, mass)), ink.depth.shape):
        left, top, right, bottom = group.box
        window = np.s_[top:bottom, left:right]
        own = np.isin(parts.labels[window], group.members)
        found.append(Candidate(group.box, own, level[window], stroke_width(own)))
    return found


def threshold(ink: Ink) -> tuple[NDArray[np.bool_], Plane]:
    """Where ink is, and how strong it is around there.

    A pencil beside a marker, or half a digit in shadow, has its own strength: each connected
    stain is cut at half of its own level.

    Returns:
        bool [h, w], and float32 [h, w], the level of the stain that a pixel belongs to.
    """
    depth = ink.depth
    stains = components.find(depth > ink.floor())
    level = np.zeros_like(depth)
    inside = stains.labels >= 0
    labels, values = stains.labels[inside], depth[inside].astype(np.float64)
    square = np.bincount(labels, values**2, len(stains))
    cube = np.bincount(labels, values**3, len(stains))
    level[inside] = (cube / np.maximum(square, 1e-9))[labels]
    return inside & (depth > 0.5 * level), level


def _pieces(parts: components.Components, mass: NDArray[np.float64]) -> list[_Group]:
    """Components that may be a digit or a piece of one, the strongest first."""
    height, width = parts.labels.shape
    boxes = parts.boxes
    tall, wide = boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]
    edge = (boxes[:, :2] <= 0).any(1) | (boxes[:, 2] >= width) | (boxes[:, 3] >= height)
    big = np.maximum(tall, wide) >= max(4, 0.012 * max(height, width))
    fit = np.flatnonzero(big & (parts.areas >= 8) & ~edge)
    fit = fit[np.argsort(-mass[fit])][:_MOST_PIECES]
    return [_Group((int(i),), _box(boxes[i].tolist()), float(mass[i])) for i in fit]


def _box(values: list[int]) -> Box:
    left, top, right, bottom = values
    return left, top, right, bottom


def _join_pieces(groups: list[_Group]) -> list[_Group]:
    """Pieces of one digit joined: a 5's bar above its belly, a stroke broken by a rule."""
    whole: list[_Group] = []
    rest = list(groups)
    while rest:
        group = rest.pop(0)
        while True:
            near = [other for other in rest if _belong(group, other)]
            if not near:
                break
            for other in near:
                group = _join(group, other)
                rest.remove(other)
        whole.append(group)
    return whole


def _belong(a: _Group, b: _Group) -> bool:
    overlap_x = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    overlap_y = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    high = max(a.height, b.height)
    if overlap_x > 0.5 * min(a.width, b.width):
        return -overlap_y < 0.25 * high
    return overlap_x > 0.25 * min(a.width, b.width) and overlap_y > 0.3 * min(a.height, b.height)


def _join(a: _Group, b: _Group) -> _Group:
    box = (
        min(a.box[0], b.box[0]),
        min(a.box[1], b.box[1]),
        max(a.box[2], b.box[2]),
        max(a.box[3], b.box[3]),
    )
    return _Group(a.members + b.members, box, a.mass + b.mass)


def _line(groups: list[_Group], shape: tuple[int, ...]) -> list[_Group]:
    """The groups that stand beside the main one and are about as high, left to right."""
    side = max(shape)
    groups = [g for g in groups if g.height > 0.025 * side and g.width < 5 * g.height]
    if not groups:
        return []
    main = max(groups, key=lambda g: g.mass)
    line = [g for g in groups if _beside(g, main)]
    return sorted(line, key=lambda g: g.box[0] + g.box[2])


def _beside(group: _Group, main: _Group) -> bool:
    if not (0.45 < group.height / main.height < 2.2 and group.mass > 0.08 * main.mass):
        return False
    up = abs((group.box[1] + group.box[3]) - (main.box[1] + main.box[3])) / 2
    along = abs((group.box[0] + group.box[2]) - (main.box[0] + main.box[2])) / 2
    return up < 0.4 * main.height + 0.27 * along  # tan 15 degrees
