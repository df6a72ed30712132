"""Digits in three hands: MNIST's pictures redrawn large and smooth, polylines drawn by a shaky pen,
and a typeface."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter, ImageFont

# One stroke is a list of points in a unit square, y down; the pen passes smoothly through them.
STROKES: dict[int, list[list[list[tuple[float, float]]]]] = {
    0: [[[(0.5, 0), (0.12, 0.25), (0.1, 0.7), (0.45, 1), (0.85, 0.75), (0.88, 0.3), (0.5, 0)]]],
    1: [
        [[(0.5, 0), (0.5, 0.5), (0.5, 1)]],
        [[(0.3, 0.22), (0.55, 0), (0.55, 0.5), (0.55, 1)]],
    ],
    2: [
        [
            [(0.1, 0.25), (0.35, 0.02), (0.8, 0.12), (0.8, 0.42), (0.45, 0.75), (0.1, 1)],
            [(0.1, 1), (0.5, 0.98), (0.95, 1)],
        ]
    ],
    3: [
        [
            [(0.12, 0.12), (0.5, 0), (0.85, 0.2), (0.7, 0.42), (0.4, 0.48)],
            [(0.4, 0.48), (0.8, 0.55), (0.88, 0.8), (0.5, 1), (0.1, 0.88)],
        ]
    ],
    4: [
        [
            [(0.6, 0), (0.35, 0.35), (0.05, 0.66)],
            [(0.05, 0.66), (0.95, 0.66)],
            [(0.65, 0), (0.65, 1)],
        ],
        [[(0.15, 0), (0.1, 0.3), (0.1, 0.55)], [(0.1, 0.55), (0.9, 0.55)], [(0.75, 0), (0.7, 1)]],
    ],
    5: [
        [
            [(0.85, 0), (0.2, 0.02)],
            [(0.2, 0.02), (0.16, 0.44)],
            [(0.16, 0.44), (0.55, 0.36), (0.9, 0.62), (0.7, 0.95), (0.1, 0.95)],
        ]
    ],
    6: [
        [
            [
                (0.75, 0.02),
                (0.35, 0.25),
                (0.12, 0.65),
                (0.35, 1),
                (0.8, 0.9),
                (0.8, 0.6),
                (0.45, 0.52),
                (0.16, 0.7),
            ]
        ]
    ],
    7: [
        [[(0.08, 0.05), (0.9, 0.03)], [(0.9, 0.03), (0.6, 0.45), (0.4, 1)]],
        [
            [(0.08, 0.05), (0.9, 0.03)],
            [(0.9, 0.03), (0.6, 0.45), (0.4, 1)],
            [(0.35, 0.5), (0.8, 0.48)],
        ],
    ],
    8: [
        [
            [
                (0.78, 0.12),
                (0.45, 0),
                (0.2, 0.2),
                (0.5, 0.46),
                (0.85, 0.75),
                (0.5, 1),
                (0.14, 0.78),
                (0.5, 0.46),
                (0.82, 0.25),
                (0.7, 0.06),
            ]
        ]
    ],
    9: [
        [
            [(0.82, 0.2), (0.5, 0), (0.14, 0.22), (0.4, 0.5), (0.78, 0.38), (0.84, 0.16)],
            [(0.84, 0.16), (0.82, 0.5), (0.7, 1)],
        ]
    ],
}


def glyph(
    digit: int,
    height: int,
    pen: float,
    random: Generator,
    samples: dict[int, np.ndarray],
    hand: str,
) -> np.ndarray:
    """One digit's ink, float32 0..1, cropped, about ``height`` pixels high."""
    if hand == "mnist":
        ink = _redraw(samples[digit][random.integers(len(samples[digit]))], height, pen)
    elif hand == "polyline":
        ink = _draw(digit, height, pen or float(random.uniform(0.05, 0.12)), random)
    else:
        ink = _typeset(digit, height)
    rows, columns = np.flatnonzero(ink.max(1) > 0.3), np.flatnonzero(ink.max(0) > 0.3)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _redraw(picture: np.ndarray, height: int, pen: float) -> np.ndarray:
    """MNIST's 28x28 picture with smooth outlines and, where asked, another pen."""
    rows = np.flatnonzero(picture.max(1) > 100)
    scale = height / (rows[-1] - rows[0] + 1)
    work = 12  # pixels per MNIST pixel while the outline is found
    big = Image.fromarray(picture).resize((28 * work, 28 * work), Image.Resampling.BICUBIC)
    soft = np.asarray(big.filter(ImageFilter.GaussianBlur(work * 0.55)), np.float32)
    ink = soft > 105
    if pen:
        ink = _repen(ink, pen * (rows[-1] - rows[0] + 1) * work)
    size = max(4, round(28 * scale))
    shape = Image.fromarray((ink * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(3))
    return np.asarray(shape.resize((size, size), Image.Resampling.BICUBIC), np.float32) / 255


def _repen(ink: np.ndarray, width: float) -> np.ndarray:
    """The same line drawn with a pen ``width`` pixels wide: thinned to its middle, then swollen."""
    skeleton = _thin(ink)
    image = Image.fromarray((skeleton * 255).astype(np.uint8))
    radius = max(1.0, width / 2)
    draw = Image.new("L", image.size)
    pen = ImageDraw.Draw(draw)
    for y, x in zip(*np.nonzero(skeleton), strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(draw.filter(ImageFilter.GaussianBlur(2))) > 127


def _thin(ink: np.ndarray) -> np.ndarray:
    """Skeleton by Zhang and Suen's thinning (CACM 27(3), 1984)."""
    image = np.pad(ink, 1).astype(np.uint8)
    changed = True
    while changed:
        changed = False
        for step in (0, 1):
            p = [
                np.roll(image, shift, (0, 1))
                for shift in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            ring = [*p, p[0]]
            turns = sum((ring[i] == 0) & (ring[i + 1] == 1) for i in range(8))
            count = sum(p)
            if step == 0:
                open_ = (p[0] * p[2] * p[4] == 0) & (p[2] * p[4] * p[6] == 0)
            else:
                open_ = (p[0] * p[2] * p[6] == 0) & (p[0] * p[4] * p[6] == 0)
            gone = (image == 1) & (count >= 2) & (count <= 6) & (turns == 1) & open_
            if gone.any():
                image[gone] = 0
                changed = True
    return image[1:-1, 1:-1].astype(bool)


def _draw(digit: int, height: int, pen: float, random: Generator) -> np.ndarray:
    """A digit written by a shaky hand along STROKES."""
    over = 2
    size = height * over
    aspect = random.uniform(0.5, 0.8)
    slant = random.uniform(-0.15, 0.3)
    shapes = STROKES[digit]
    pad = int(size * 0.6)
    image = Image.new("L", (size + 2 * pad, size + 2 * pad))
    draw = ImageDraw.Draw(image)
    radius = max(0.7, pen * size / 2)
    joints: dict[tuple[float, float], np.ndarray] = {}
    for stroke in shapes[random.integers(len(shapes))]:
        path = []
        for point in stroke:
            if point not in joints:
                joints[point] = np.array(point) + random.normal(0, 0.025, 2)
            path.append(joints[point])
        for x, y in _smooth(np.array(path)):
            cx = pad + (x * aspect - (y - 0.5) * slant) * size
            cy = pad + y * size
            draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=255)
    small = image.resize((image.width // over, image.height // over), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def _smooth(path: np.ndarray, steps: int = 120) -> np.ndarray:
    """Points along a Catmull-Rom curve through ``path`` [n, 2]."""
    p = np.concatenate([path[:1] * 2 - path[1:2], path, path[-1:] * 2 - path[-2:-1]])
    t = np.linspace(0, 1, steps)[:, None]
    return np.concatenate(
        [
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
            for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
        ]
    )


def _typeset(digit: int, height: int) -> np.ndarray:
    font = ImageFont.load_default(size=height * 1.35)
    image = Image.new("L", (2 * height, 2 * height))
    ImageDraw.Draw(image).text((height // 2, height // 4), str(digit), fill=255, font=font)
    return np.asarray(image, np.float32) / 255
