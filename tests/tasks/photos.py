"""Photographs of handwritten numbers that never were: for tests and for scripts/bench-digits.

Numbers in several hands (handwriting.py) are written on paper; the paper is ruled and tilted here,
and lit, shaded and photographed in camera.py, all under conditions that troubles.py names.
Everything follows from the random generator handed in.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from camera import expose
from handwriting import glyph
from numpy.random import Generator
from PIL import Image
from troubles import Trouble


@dataclass(frozen=True)
class Photo:
    """A photograph and what it shows: the number, and each digit's box, left to right."""

    data: bytes
    number: str
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)


def take(
    number: str,
    trouble: Trouble,
    random: Generator,
    samples: dict[int, np.ndarray],
    hand: str = "mnist",
) -> Photo:
    """Photograph ``number`` under ``trouble``; an empty number leaves the page blank.

    Args:
        samples: digit -> uint8 [n, 28, 28], MNIST's pictures of it.
        hand: who writes: "mnist", "polyline" or "type".
    """
    width, height = _sides(trouble, max(1, len(number)), random)
    while True:
        ink, points = _write(number, trouble, random, samples, hand, width, height)
        warp = _warp(trouble, random, width, height)
        boxes = [_box(warp, cloud) for cloud in points]
        if all(
            left > 0 and top > 0 and right < width and bottom < height
            for left, top, right, bottom in boxes
        ):
            break
        trouble = replace(trouble, fill=trouble.fill * 0.85)  # tilted out of the picture
    rules = _rule(trouble, random, width, height)
    page = np.ones((height, width), np.float32)
    ink, rules, page = (_project(layer, warp, width, height) for layer in (ink, rules, page))
    rgb = expose(trouble, random, ink, rules, page)
    image = Image.fromarray(rgb)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=trouble.jpeg)
    return Photo(out.getvalue(), number, boxes)


def _sides(t: Trouble, count: int, random: Generator) -> tuple[int, int]:
    aspect = float(random.choice([0.75, 1.0, 1.33]))
    # A number must fit the page: digits are at most as wide as high.
    aspect = max(aspect, min(4.0, 0.85 * count * t.fill + 0.3))
    if aspect >= 1:
        return t.side, max(32, int(t.side / aspect))
    return max(32, int(t.side * aspect)), t.side


# --- the page -----------------------------------------------------------------------------------


def _write(
    number: str,
    t: Trouble,
    random: Generator,
    samples: dict[int, np.ndarray],
    hand: str,
    width: int,
    height: int,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The ink layer [height, width], and each digit's ink as points [n, 2] (x, y)."""
    layer = np.zeros((height, width), np.float32)
    points: list[np.ndarray] = []
    if not number:
        return layer, points
    # The digits must stay on the page when it is tilted.
    size = min(t.fill * height, 0.86 * width / (0.85 * len(number)))
    glyphs = [
        glyph(int(c), max(8, int(size * random.uniform(0.9, 1.1))), t.pen, random, samples, hand)
        for c in number
    ]
    gaps = [int(size * random.uniform(0.15, 0.4)) for _ in glyphs]
    total = sum(g.shape[1] for g in glyphs) + sum(gaps[1:])
    if total > 0.9 * width:
        return _write(number, replace(t, fill=t.fill * 0.8), random, samples, hand, width, height)
    room = width - total
    x = int(room * random.uniform(0.3, 0.7))
    top = int((height - size) * random.uniform(0.3, 0.7))
    for index, g in enumerate(glyphs):
        x += gaps[index] if index else 0
        y = int(np.clip(top + size * random.uniform(-0.06, 0.06), 0, max(0, height - g.shape[0])))
        part = layer[y : y + g.shape[0], x : x + g.shape[1]]
        np.maximum(part, g[: part.shape[0], : part.shape[1]], out=part)
        rows, columns = np.nonzero(g > 0.5)
        points.append(np.stack([columns + x, rows + y], 1).astype(np.float64))
        x += g.shape[1]
    return layer, points


def _rule(t: Trouble, random: Generator, width: int, height: int) -> np.ndarray:
    """The printed rules, 0..1 (2 marks the red margin line); unless its edges can be seen, the
    page is twice as large as the picture."""
    size = (height, width) if t.table else (2 * height, 2 * width)
    layer = np.zeros(size, np.float32)
    step = t.rule_step * height
    thick = max(1, round(max(width, height) * random.uniform(0.0012, 0.004)))
    if t.rules:
        for y in np.arange(random.uniform(0, step), size[0], step):
            layer[int(y) : int(y) + thick] = 1
    if t.rules == "squares":
        for x in np.arange(random.uniform(0, step), size[1], step):
            layer[:, int(x) : int(x) + thick] = 1
    if t.margin:
        x0 = int((size[1] - width) // 2 + width * random.uniform(0.04, 0.12))
        layer[:, x0 : x0 + thick] = 2
    return layer


def _warp(t: Trouble, random: Generator, width: int, height: int) -> np.ndarray:
    """3x3 from page to picture: tilt, perspective, and on a table the page made smaller."""
    angle = np.radians(t.tilt)
    size = random.uniform(0.7, 0.85) if t.table else 1.0
    centre = np.array([width / 2, height / 2])
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # A tilted number must not leave the picture.
    reach = np.abs(turn @ (centre * [1, 1])).max() / max(width, height) * 2
    size = size / max(1.0, 0.5 + 0.5 * reach)
    moved = (corners - centre) @ turn.T * size + centre
    moved += random.uniform(-1, 1, (4, 2)) * t.perspective * min(width, height)
    rows = []
    for (x, y), (u, v) in zip(corners, moved, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solved = np.linalg.solve(np.array(rows), moved.reshape(-1))
    return np.append(solved, 1).reshape(3, 3)


def _box(warp: np.ndarray, points: np.ndarray) -> tuple[float, float, float, float]:
    x, y = _forward(warp, points)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _forward(warp: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, w = warp @ np.concatenate([points, np.ones((len(points), 1))], 1).T
    return x / w, y / w


def _project(layer: np.ndarray, warp: np.ndarray, width: int, height: int) -> np.ndarray:
    # A layer larger than the picture has the picture in its middle.
    middle = np.eye(3)
    middle[:2, 2] = (layer.shape[1] - width) / 2, (layer.shape[0] - height) / 2
    inverse = middle @ np.linalg.inv(warp)
    inverse /= inverse[2, 2]
    image = Image.fromarray(layer)
    out = image.transform(
        (width, height),
        Image.Transform.PERSPECTIVE,
        tuple(inverse.reshape(-1)[:8]),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(out)


def by_digit(images: np.ndarray, labels: np.ndarray) -> dict[int, np.ndarray]:
    """MNIST's pictures sorted by what they show."""
    return {d: images[labels == d] for d in range(10)}


def numbers(count: int, digits: Sequence[int], random: Generator) -> list[str]:
    """``count`` numbers whose lengths are drawn from ``digits``."""
    return [
        "".join(str(d) for d in random.integers(0, 10, random.choice(digits))) for _ in range(count)
    ]
