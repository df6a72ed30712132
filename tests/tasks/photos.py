"""Photographs of handwritten numbers that never were: for tests and for scripts/bench-digits.

Digits come from three hands: MNIST's test pictures redrawn large and smooth, polylines drawn by a
shaky pen, and a typeface. They are written on paper, the paper is ruled, tilted, lit and shaded,
and a camera adds blur, noise and JPEG. Everything follows from the random generator handed in.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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

INKS = {
    "black": (25, 25, 30),
    "blue": (35, 50, 140),
    "red": (185, 35, 40),
    "green": (30, 110, 60),
    "pencil": (105, 105, 108),
}
RULES = {
    "blue": (150, 180, 220),
    "grey": (175, 175, 178),
    "red": (225, 150, 150),
    "green": (165, 205, 170),
    "dark": (105, 110, 125),
}


@dataclass(frozen=True)
class Trouble:
    """What a photograph suffers from; the defaults are a good picture of a clean page."""

    side: int = 640  # the longer side in pixels
    fill: float = 0.45  # the digits' height over the picture's
    pen: float = 0.0  # stroke width over digit height; 0: as the hand wrote it
    ink: str = "black"
    rules: str = ""  # "", "lines" or "squares"
    rule_ink: str = "blue"
    rule_step: float = 0.09  # distance of the rules over the picture's height
    margin: bool = False  # a red line down the page
    tilt: float = 0.0  # degrees
    perspective: float = 0.0  # how far corners move, over the side
    gradient: float = 0.0  # light lost from one end to the other
    lamp: float = 0.0  # light lost outside a bright spot
    shadow: str = ""  # "", "soft", "hard" or "finger"
    table: bool = False  # the page's edges and a table can be seen
    noise: float = 2.0  # standard deviation, of 255
    blur: float = 0.0006  # radius over the side
    jpeg: int = 90
    board: bool = False  # light chalk on a dark board
    texture: float = 1.5


PLAIN = Trouble()


@dataclass(frozen=True)
class Photo:
    """A photograph and what it shows: the number, and each digit's box, left to right."""

    data: bytes
    number: str
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)


def random_trouble(kind: str, random: Generator) -> Trouble:
    """One photograph's conditions under the trouble called ``kind`` (a key of KINDS)."""
    t = replace(
        PLAIN,
        fill=float(random.uniform(0.3, 0.6)),
        side=int(random.integers(480, 1200)),
        ink=str(random.choice(["black", "blue", "black"])),
    )
    return KINDS[kind](t, random)


def _combined(t: Trouble, r: Generator) -> Trouble:
    for kind in ("ink", "pen", "ruled", "shadow", "uneven light", "size"):
        if r.random() < 0.65:
            t = KINDS[kind](t, r)
    return replace(
        t,
        tilt=float(r.uniform(-15, 15)),
        perspective=float(r.uniform(0, 0.04)),
        noise=float(r.uniform(2, 10)),
        blur=float(r.uniform(0.0005, 0.0025)),
        jpeg=int(r.choice([30, 30, 50, 80])),
        texture=float(r.uniform(0, 4)),
        table=bool(r.random() < 0.2),
    )


def _ruled(t: Trouble, r: Generator, rules: str) -> Trouble:
    return replace(
        t,
        rules=rules,
        rule_ink=str(r.choice(list(RULES))),
        rule_step=float(r.uniform(0.05, 0.14) if rules == "lines" else r.uniform(0.035, 0.09)),
        margin=bool(r.random() < 0.4),
        tilt=float(r.uniform(-4, 4)),
    )


KINDS = {
    "plain": lambda t, r: t,
    "ink": lambda t, r: replace(t, ink=str(r.choice(list(INKS)))),
    "pen": lambda t, r: replace(t, pen=float(np.exp(r.uniform(np.log(0.022), np.log(0.17))))),
    "uneven light": lambda t, r: replace(
        t, gradient=float(r.uniform(0.3, 0.75)), lamp=float(r.uniform(0, 0.6))
    ),
    "shadow": lambda t, r: replace(t, shadow=str(r.choice(["soft", "hard", "finger"]))),
    "ruled": lambda t, r: _ruled(t, r, "lines"),
    "squared": lambda t, r: _ruled(t, r, "squares"),
    "tilt": lambda t, r: replace(t, tilt=float(r.uniform(-15, 15))),
    "perspective": lambda t, r: replace(t, perspective=0.08),
    "noise": lambda t, r: replace(t, noise=float(r.uniform(8, 25))),
    "blur": lambda t, r: replace(t, blur=float(r.uniform(0.002, 0.006))),
    "jpeg 30": lambda t, r: replace(t, jpeg=30, side=int(r.integers(240, 1000))),
    "size": lambda t, r: replace(
        t,
        side=int(np.exp(r.uniform(np.log(200), np.log(4000)))),
        fill=float(r.uniform(0.15, 0.85)),
    ),
    "table": lambda t, r: replace(t, table=True, tilt=float(r.uniform(-10, 10))),
    "chalkboard": lambda t, r: replace(
        t, board=True, ink="chalk", texture=6.0, gradient=float(r.uniform(0, 0.4))
    ),
    "combined": _combined,
}


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
        edges = [edge for box in boxes for edge in zip(box, (0, 0, -width, -height), strict=True)]
        if all(0 < value + limit if not limit else value < -limit for value, limit in edges):
            break
        trouble = replace(trouble, fill=trouble.fill * 0.85)  # tilted out of the picture
    rules = _rule(trouble, random, width, height)
    page = np.ones((height, width), np.float32)
    ink, rules, page = (_project(layer, warp, width, height) for layer in (ink, rules, page))
    rgb = _expose(trouble, random, ink, rules, page)
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


# --- writing ------------------------------------------------------------------------------------


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


# --- the page -----------------------------------------------------------------------------------


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


# --- light and camera ---------------------------------------------------------------------------


def _light(t: Trouble, random: Generator, width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / max(width, height), y / max(width, height)
    light = np.ones((height, width), np.float32)
    across, down = width / max(width, height), height / max(width, height)
    if t.gradient:
        a = random.uniform(0, 2 * np.pi)
        slope = (x - across / 2) * np.cos(a) + (y - down / 2) * np.sin(a)
        light *= 1 - t.gradient * np.clip(slope / 1.1 + 0.5, 0, 1)
    if t.lamp:
        cx, cy = random.uniform(0, across), random.uniform(0, down)
        light *= 1 - t.lamp * (1 - np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 0.35))
    if t.shadow:
        depth = random.uniform(0.3, 0.6)
        a = random.uniform(0, 2 * np.pi)
        edge = (x - across * random.uniform(0.3, 0.7)) * np.cos(a) + (
            y - down * random.uniform(0.3, 0.7)
        ) * np.sin(a)
        if t.shadow == "finger":
            along = -(x - across / 2) * np.sin(a) + (y - down / 2) * np.cos(a)
            inside = np.minimum(random.uniform(0.06, 0.15) - np.abs(edge), 0.1 - along)
            soft = 0.03
        else:
            inside = edge
            soft = 0.15 if t.shadow == "soft" else 0.004
        light *= 1 - depth * np.clip(inside / soft + 0.5, 0, 1)
    return light


def _cloth(random: Generator, width: int, height: int, grain: int) -> np.ndarray:
    """Smooth noise with deviation about 1 and lumps of 1/grain of the picture."""
    small = random.normal(0, 1, (grain, grain)).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def _expose(
    t: Trouble, random: Generator, ink: np.ndarray, rules: np.ndarray, page: np.ndarray
) -> np.ndarray:
    height, width = ink.shape
    if t.board:
        paper = np.array([35, 55, 45], np.float32) + random.uniform(-10, 15)
        pen = np.array([225, 225, 215], np.float32)
    else:
        paper = random.uniform(225, 250) - np.array([0, 3, 12], np.float32) * random.uniform(0, 1)
        pen = np.array(INKS[t.ink], np.float32)
    picture = np.broadcast_to(paper, (height, width, 3)).astype(np.float32).copy()
    for grain in (12, 60):
        picture += t.texture * _cloth(random, width, height, grain)[..., None]
    if t.rules or t.margin:
        printed = np.array(RULES[t.rule_ink], np.float32) / 250
        margin = np.array([225, 120, 130], np.float32) / 250
        red = np.clip(rules - 1, 0, 1)[..., None]
        line = np.clip(rules, 0, 1)[..., None]
        # Rules beside the margin line blend to it; both are printed, so they multiply.
        picture *= 1 - line + line * (printed * (1 - red) + margin * red)
    strength = ink[..., None] * (
        1 if t.ink != "pencil" else 0.85 + 0.15 * _cloth(random, width, height, 150)[..., None]
    )
    if t.board:
        strength = (
            strength * np.clip(0.8 + 0.2 * _cloth(random, width, height, 200), 0, 1)[..., None]
        )
        picture += strength * (pen - picture)
    else:
        picture *= 1 - np.clip(strength, 0, 1) * (1 - pen / 250)
    if page.min() < 0.5:
        table = np.array(
            [(90, 65, 45), (60, 60, 65), (150, 120, 85), (30, 30, 30)][random.integers(4)],
            np.float32,
        )
        wood = table + 5 * _cloth(random, width, height, 25)[..., None]
        if not t.table:  # the same paper goes on: only the rules and ink were tilted
            wood = np.broadcast_to(paper, picture.shape)
        picture = picture * page[..., None] + wood * (1 - page[..., None])
    picture *= _light(t, random, width, height)[..., None]
    blur = t.blur * max(width, height)
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    if blur > 0.2:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    noisy = np.asarray(image, np.float32)
    if t.noise:
        noisy = noisy + random.normal(0, t.noise, (height, width, 1)).astype(np.float32)
        noisy += random.normal(0, t.noise * 0.4, (height, width, 3)).astype(np.float32)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def by_digit(images: np.ndarray, labels: np.ndarray) -> dict[int, np.ndarray]:
    """MNIST's pictures sorted by what they show."""
    return {d: images[labels == d] for d in range(10)}


def numbers(count: int, digits: Sequence[int], random: Generator) -> list[str]:
    """``count`` numbers whose lengths are drawn from ``digits``."""
    return [
        "".join(str(d) for d in random.integers(0, 10, random.choice(digits))) for _ in range(count)
    ]
