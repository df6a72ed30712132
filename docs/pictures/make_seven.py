"""Draws seven.jpg: a seven in blue ink on ruled paper, under a lamp from the left.

    python docs/pictures/make_seven.py

Everything in it is computed, so it is ours to give away. The seed makes it the same each time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 480, 640  # width and height in pixels
INK = 38, 46, 110
# The pen's path, as fractions of the picture: a top bar with a small hook, then the long stroke.
BAR = [(0.30, 0.40), (0.31, 0.36), (0.36, 0.355), (0.50, 0.35), (0.66, 0.335)]
STROKE = [(0.66, 0.335), (0.60, 0.44), (0.53, 0.54), (0.485, 0.63), (0.46, 0.72)]


def main() -> None:
    """Write seven.jpg beside this file."""
    random = np.random.default_rng(7)
    paper = Image.new("RGB", SIZE, (243, 239, 228))
    draw = ImageDraw.Draw(paper)
    for y in range(40, SIZE[1], 52):
        draw.line([(0, y), (SIZE[0], y + 6)], fill=(190, 205, 222), width=2)
    for points in (BAR, STROKE):
        pen(draw, points, random)
    picture = np.asarray(paper.filter(ImageFilter.GaussianBlur(0.8)), np.float32)
    lamp = np.linspace(1.02, 0.72, SIZE[0])[None, :, None]
    picture = picture * lamp + random.normal(0, 3, (SIZE[1], SIZE[0], 1))
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(Path(__file__).with_name("seven.jpg"), quality=70)


def pen(draw: ImageDraw.ImageDraw, points: list[tuple[float, float]], random: np.random.Generator):
    """Draw a smooth line through ``points`` with a pen that trembles and presses unevenly."""
    path = np.array(points) * SIZE
    steps = np.linspace(0, len(path) - 1, 400)
    smooth = np.stack([np.interp(steps, range(len(path)), path[:, axis]) for axis in (0, 1)], 1)
    kernel = np.ones(61) / 61
    padded = np.pad(smooth, ((30, 30), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)], 1)
    press = 7 + np.convolve(random.normal(0, 4, 460), kernel, "valid")
    for (x, y), radius in zip(smooth, press, strict=True):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=INK)


if __name__ == "__main__":
    main()
