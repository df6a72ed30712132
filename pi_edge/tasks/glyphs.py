"""From ink to glyphs: which ink is a digit, and each digit the way MNIST shows it.

MNIST's digits (LeCun et al., http://yann.lecun.com/exdb/mnist/) were scaled into a box of 20x20
pixels, aspect kept, with the grey levels that anti-aliasing gives, and placed in 28x28 by their
centre of mass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks import components
from pi_edge.tasks.ink import Plane

Box = tuple[float, float, float, float]

BOX = 20
SIDE = 28
PEN = (2.0, 3.4)
"""Stroke widths in the 20x20 box that MNIST's digits have; others are thickened or thinned."""


@dataclass(frozen=True)
class Glyph:
    """One digit.

    Attributes:
        pixels: float32 [28, 28], 0 to 255, ink bright.
        box: left, top, right, bottom in the ink's pixels, the latter two exclusive.
    """

    pixels: Plane
    box: Box


def find(ink: Plane, noise: float) -> list[Glyph]:
    """The digits in ``ink`` [h, w], left to right; ``noise`` is the page's standard deviation."""
    mask, level = threshold(ink, noise)
    parts = components.find(mask)
    strength = np.bincount(parts.labels[mask], level[mask], len(parts)) / np.maximum(parts.areas, 1)
    glyphs = []
    for group in _line(_group(_candidates(parts, strength, ink.shape)), ink.shape):
        left, top, right, bottom = group.box
        window = np.s_[top:bottom, left:right]
        own = np.isin(parts.labels[window], group.members)
        glyphs.append(Glyph(render(ink[window], level[window], own), group.box))
    return glyphs


def threshold(ink: Plane, noise: float) -> tuple[NDArray[np.bool_], Plane]:
    """Where ink is, and how strong it is around there.

    A pencil beside a marker, or half a digit in shadow, has its own strength: each connected
    stain is cut at half of its own level.

    Returns:
        bool [h, w], and float32 [h, w], the level of the stain that a pixel belongs to.
    """
    floor = max(4.5 * noise, 0.07)
    stains = components.find(ink > floor)
    level = np.zeros_like(ink)
    if not len(stains):
        return np.zeros(ink.shape, bool), level
    inside = stains.labels >= 0
    labels, values = stains.labels[inside], ink[inside].astype(np.float64)
    square = np.bincount(labels, values**2, len(stains))
    cube = np.bincount(labels, values**3, len(stains))
    level[inside] = (cube / square)[labels]
    return inside & (ink > 0.5 * level), level


@dataclass(frozen=True)
class _Group:
    """Components that make one digit."""

    members: tuple[int, ...]
    box: tuple[int, int, int, int]
    mass: float

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


def _candidates(
    parts: components.Components, strength: NDArray[np.float64], shape: tuple[int, ...]
) -> list[_Group]:
    """Components that may be a digit or a piece of one."""
    height, width = shape
    side = max(shape)
    groups = []
    boxes = parts.boxes
    tall, wide = boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]
    edge = (boxes[:, 0] <= 1) | (boxes[:, 1] <= 1) | (boxes[:, 2] >= width - 1)
    edge |= boxes[:, 3] >= height - 1
    big = np.maximum(tall, wide) >= max(4, 0.012 * side)
    solid = parts.areas >= 8
    for i in np.flatnonzero(big & solid):
        if edge[i]:
            continue
        groups.append(
            _Group((int(i),), tuple(int(v) for v in boxes[i]), parts.areas[i] * strength[i])
        )
    return groups


def _group(groups: list[_Group]) -> list[_Group]:
    """Pieces of one digit joined: a 5's bar above its belly, a stroke broken by a rule."""
    groups = sorted(groups, key=lambda g: -g.mass)[:200]
    joined = True
    while joined:
        joined = False
        for i, a in enumerate(groups):
            for j in range(i + 1, len(groups)):
                if _belong(a, groups[j]):
                    groups[i] = _join(a, groups.pop(j))
                    joined = True
                    break
            if joined:
                break
    return groups


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
    line = [
        g
        for g in groups
        if 0.45 < g.height / main.height < 2.2
        and g.mass > 0.08 * main.mass
        and abs((g.box[1] + g.box[3]) - (main.box[1] + main.box[3])) / 2
        < 0.5 * main.height + 0.3 * abs(g.box[0] - main.box[0])
    ]
    return sorted(line, key=lambda g: g.box[0] + g.box[2])


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
    near = _grow(own)
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


def _grow(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One pixel more all around, so that a stroke keeps its soft edge."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    wide = grown.copy()
    wide[:, 1:] |= grown[:, :-1]
    wide[:, :-1] |= grown[:, 1:]
    return wide


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
        changed = _step(shape, step) if change > 0 else ~_step(~shape, step)
        if change < 0 and np.count_nonzero(changed) < 0.3 * np.count_nonzero(shape):
            break
        shape = changed
    return shape


def _step(mask: NDArray[np.bool_], step: int) -> NDArray[np.bool_]:
    """Grown by one pixel, by turns along the axes and the diagonals too: nearly a disc."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    if step % 2:
        grown[1:, 1:] |= mask[:-1, :-1]
        grown[:-1, :-1] |= mask[1:, 1:]
        grown[1:, :-1] |= mask[:-1, 1:]
        grown[:-1, 1:] |= mask[1:, :-1]
    return grown


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
