"""One person's handwriting: digits drawn stroke by stroke, with habits that a network must learn.

This hand is left-handed and tilts its digits backward. Its ones lie over and begin with a long
upstroke, its fours are open, but hardly, its sevens are crossed and begin with a tick, its zeros
are crossed as well, threes have a flat top, twos and sixes a loop, fives are one stroke, nines end
in a hook. No two of a kind are alike: a stroke's points and curve, the pen, the width and the tilt
vary from one to the next.

What comes out is as MNIST shows a digit: 20 pixels long, centred by mass in 28x28, bright on black.

    images, labels = hand.write(1000, seed=1)

``python tests/learning/hand.py sheet.png`` draws a sheet of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

# A stroke is points "x,y" in hundredths of the height, y down; the pen passes smoothly through.
STROKES = {
    0: ["78,2 30,10 6,50 30,96 74,88 90,42 60,10 34,20", "86,14 50,50 10,88"],
    1: ["4,62 30,32 56,0", "56,0 66,50 74,100"],
    2: ["8,16 40,0 82,10 60,50 20,92 5,86 18,74 50,90 100,98"],
    3: ["6,4 50,5 86,0", "86,0 60,22 36,42", "36,42 80,50 84,80 50,100 20,94"],
    4: ["38,0 12,26 20,50 48,48 74,30", "70,6 72,50 66,100"],
    5: ["90,4 50,4 22,16 26,38 60,50 76,74 50,98 6,90"],
    6: ["50,0 28,34 12,76 32,100 64,90 60,68 32,70 14,90"],
    7: ["8,40 12,6", "12,6 44,12 75,3", "75,3 62,45 50,100", "12,53 58,47 104,40"],
    8: ["88,8 50,0 18,18 46,44 80,74 50,100 20,78 50,50 86,26"],
    9: ["78,14 46,0 14,20 40,44 80,16", "80,16 84,62 56,98 16,84 40,70"],
}


@dataclass(frozen=True)
class Hand:
    """How somebody writes.

    Attributes:
        tilt: shift to the left of a digit's top, in parts of its height; forward ones are negative.
        lean: what ones have more of it.
        aspect: width by height.
        shake: how far a stroke's points stray, in parts of the height.
        pen: width of the stroke in pixels of 28.
    """

    tilt: float = 0.6
    lean: float = 0.1
    aspect: float = 0.72
    shake: float = 0.04
    pen: float = 2.4


def write(
    count: int, seed: int, hand: Hand = Hand()
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Digits by turns, shuffled; the same ones for the same seed.

    Returns:
        Images uint8 [count, 28, 28] and labels uint8 [count].
    """
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(count) % 10).astype(np.uint8)
    return np.stack([draw(int(label), random, hand) for label in labels]), labels


def draw(digit: int, random: Generator, hand: Hand = Hand()) -> NDArray[np.uint8]:
    """One digit, uint8 [28, 28]."""
    height = 160.0
    tilt = hand.tilt + hand.lean * (digit == 1) + random.normal(0, 0.07)
    aspect = hand.aspect * float(np.exp(random.normal(0, 0.12)))
    pen = hand.pen * float(np.exp(random.normal(0, 0.18))) * height / 20
    image = Image.new("L", (480, 320))
    ink = ImageDraw.Draw(image)
    joints: dict[str, NDArray[np.float64]] = {}
    # A hand strays slowly: the whole digit is bent a little, and each point moves by itself.
    bend = random.normal(0, 0.05, (2, 2))
    for stroke in STROKES[digit]:
        points = stroke.split()
        for point in points:
            if point not in joints:
                exact = np.array(point.split(","), float) / 100
                joints[point] = exact + random.normal(0, hand.shake, 2)
        swing = random.normal(0, 0.25 * hand.shake, 2)
        path = _smooth(np.array([joints[point] for point in points]))
        path = path + np.sin(np.linspace(0, np.pi, len(path)))[:, None] * swing
        pressure = pen * (1 + 0.12 * np.sin(np.linspace(random.uniform(0, 6), 6, len(path))))
        for (x, y), width in zip(path, pressure, strict=True):
            x, y = x + bend[0] @ (x - 0.5, y - 0.5), y + bend[1] @ (x - 0.5, y - 0.5)
            centre = 240 + height * ((x - 0.5) * aspect + (y - 0.5) * tilt), 80 + height * y
            radius = width / 2
            ink.ellipse(
                (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius),
                fill=255,
            )
    return _as_mnist(np.asarray(image))


def _smooth(path: NDArray[np.float64], steps: int = 30) -> NDArray[np.float64]:
    """Points along a Catmull-Rom curve through ``path`` [n, 2]."""
    p = np.concatenate([2 * path[:1] - path[1:2], path, 2 * path[-1:] - path[-2:-1]])
    t = np.linspace(0, 1, steps)[:, None]
    pieces = []
    for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True):
        bend, twist = 2 * a - 5 * b + 4 * c - d, 3 * (b - c) - a + d
        pieces.append(b + ((c - a) * t + bend * t**2 + twist * t**3) / 2)
    return np.concatenate(pieces)


def _as_mnist(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scaled into a box of 20x20 and placed in 28x28 by its centre of mass, as MNIST was made."""
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(ink.shape)
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BOX))
    mass = small / small.sum()
    out = np.zeros((28, 28), np.uint8)
    place = [
        min(max(round(13.5 - float(mass.sum(1 - axis) @ np.arange(length))), 0), 28 - length)
        for axis, length in enumerate(small.shape)
    ]
    out[place[0] : place[0] + small.shape[0], place[1] : place[1] + small.shape[1]] = small
    return out


def sheet(images: NDArray[np.uint8], columns: int = 20) -> Image.Image:
    """Images [n, 28, 28] beside and below each other, dark on white."""
    rows = -(-len(images) // columns)
    padded = np.zeros((rows * columns, 28, 28), np.uint8)
    padded[: len(images)] = images
    grid = padded.reshape(rows, columns, 28, 28).swapaxes(1, 2).reshape(rows * 28, columns * 28)
    return Image.fromarray(255 - grid)


if __name__ == "__main__":
    images, labels = write(200, seed=0)
    page = sheet(images[np.argsort(labels, kind="stable")])
    page.resize((page.width * 2, page.height * 2)).save(sys.argv[1])
