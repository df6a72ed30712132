"""Which ink is a digit: stains cut out, pieces joined, and one line of them kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import components
from pi_edge.tasks.ink import Ink, Plane
from pi_edge.tasks.mnist_style import stroke_width
from pi_edge.tasks.order_statistics import percentile

Box = tuple[int, int, int, int]

_MOST_PIECES = 60
"""More stains than these, the strongest, are not looked at: a page of confetti must end too."""


_FAINTEST = 0.14
"""Strokes swallow at least this part of the light; a hard pencil swallows a quarter."""

_LEAST_CONTRAST = 0.07
"""Of the lightest page in the picture; a dark table's texture has less."""


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
class Found:
    """What was found in a picture.

    Attributes:
        line: what may be digits, left to right.
        cut_off: the strongest ink that leaves the picture over the strongest of ``line``: a
            table, a hand's shadow, or a digit that is one with them.
    """

    line: tuple[Candidate, ...]
    cut_off: float


@dataclass(frozen=True)
class _Group:
    """Components that make one digit.

    Attributes:
        members: the components' numbers.
        box: around all of them.
        mass: their ink, in levels of grey times pixels.
        area: in pixels.
    """

    members: tuple[int, ...]
    box: Box
    mass: float
    area: int

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    @property
    def contrast(self) -> float:
        return self.mass / self.area


def find(ink: Ink) -> Found:
    """What may be digits."""
    mask, level = threshold(ink)
    parts = components.find(mask)
    if not len(parts):
        return Found((), 0.0)
    # Weighed in grey levels, not in parts of the light: a dark table's texture weighs nothing.
    contrast = (ink.depth * ink.page)[mask].astype(np.float64)
    mass = np.bincount(parts.labels[mask], contrast, len(parts)).astype(np.float64)
    edge = _at_edge(parts)
    strong = np.bincount(parts.labels[mask], level[mask], len(parts)) > _FAINTEST * parts.areas
    strong &= mass > _LEAST_CONTRAST * float(percentile(ink.luma[::3, ::3], 95)) * parts.areas
    line = _line(_join_pieces(_pieces(parts, mass, strong & ~edge)), ink.depth.shape)
    if not line:
        return Found((), 0.0)
    cut_off = float(mass[edge].max(initial=0.0)) / max(group.mass for group in line)
    return Found(tuple(_candidate(group, parts, level) for group in line), cut_off)


def _candidate(group: _Group, parts: components.Components, level: Plane) -> Candidate:
    left, top, right, bottom = group.box
    window = np.s_[top:bottom, left:right]
    own = np.isin(parts.labels[window], group.members)
    return Candidate(group.box, own, level[window], stroke_width(own))


def _at_edge(parts: components.Components) -> NDArray[np.bool_]:
    height, width = parts.labels.shape
    left, top, right, bottom = parts.boxes.T
    edge: NDArray[np.bool_] = (left <= 0) | (top <= 0) | (right >= width) | (bottom >= height)
    return edge


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


def _pieces(
    parts: components.Components, mass: NDArray[np.float64], allowed: NDArray[np.bool_]
) -> list[_Group]:
    """Components that may be a digit or a piece of one, the strongest first."""
    boxes = parts.boxes
    longer = np.maximum(boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0])
    big = longer >= max(4, 0.012 * max(parts.labels.shape))
    fit = np.flatnonzero(big & (parts.areas >= 8) & allowed)
    fit = fit[np.argsort(-mass[fit])][:_MOST_PIECES]
    return [
        _Group((int(i),), _box(boxes[i].tolist()), float(mass[i]), int(parts.areas[i])) for i in fit
    ]


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
    if b.contrast < 0.4 * a.contrast:
        return False
    overlap_x = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
    overlap_y = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    high = max(a.height, b.height)
    if overlap_x > 0.5 * min(a.width, b.width):
        return -overlap_y < 0.25 * high
    if overlap_y < 0.3 * min(a.height, b.height):
        return False
    # Two slanting digits may overlap a little; a short piece beside a tall one is no digit.
    short = min(a.height, b.height) < 0.6 * high
    return overlap_x > (0.0 if short else 0.25) * min(a.width, b.width)


def _join(a: _Group, b: _Group) -> _Group:
    box = (
        min(a.box[0], b.box[0]),
        min(a.box[1], b.box[1]),
        max(a.box[2], b.box[2]),
        max(a.box[3], b.box[3]),
    )
    return _Group(a.members + b.members, box, a.mass + b.mass, a.area + b.area)


def _line(groups: list[_Group], shape: tuple[int, ...]) -> list[_Group]:
    """The groups that stand beside the main one and are about as high, left to right."""
    digits = [g for g in groups if g.height > 0.025 * max(shape) and g.width < 5 * g.height]
    if not digits:
        return []
    main = max(digits, key=lambda g: g.mass)
    line = [g for g in digits if _beside(g, main)]
    for piece in groups:
        if piece not in line:
            line = _attach(piece, line, main)
    return sorted(line, key=lambda g: g.box[0] + g.box[2])


def _attach(piece: _Group, line: list[_Group], main: _Group) -> list[_Group]:
    """A piece too small for a digit joined to the nearest one: the bar of a 5 stands aside."""
    small = piece.height < 0.5 * main.height and piece.mass > 0.04 * main.mass
    if not small or piece.contrast < 0.6 * main.contrast:
        return line
    nearest = min(line, key=lambda g: _gap(g.box, piece.box))
    if _gap(nearest.box, piece.box) > 0.2 * main.height:
        return line
    joined = _join(nearest, piece)
    if joined.height > 1.6 * main.height:
        return line
    return [joined if g is nearest else g for g in line]


def _gap(a: Box, b: Box) -> int:
    return max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])


def _beside(group: _Group, main: _Group) -> bool:
    if not (0.45 < group.height / main.height < 2.2 and group.mass > 0.08 * main.mass):
        return False
    if group.contrast < 0.3 * main.contrast:
        return False
    up = abs((group.box[1] + group.box[3]) - (main.box[1] + main.box[3])) / 2
    along = abs((group.box[0] + group.box[2]) - (main.box[0] + main.box[2])) / 2
    return up < 0.4 * main.height + 0.27 * along  # tan 15 degrees
