"""How near a style model's files come to TensorFlow's own picture, on a photo of nobody's.

Without TensorFlow: what it made of the photo is kept in check.npz, every fourth pixel both ways
in whole levels of 0 to 255. Rounding alone keeps a perfect copy at 58.9 dB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.model import Model
from pi_edge.tasks.style import frames, render
from pi_edge.tasks.style.stylist import Stylist

SIDE = 256
STRIDE = 4
GRAPH, ENGINE = "tensorflow/picture", "tensorflow/stylised"
"""Arrays in check.npz: the network's picture of the photo in each style, and the same under noise
as `pi-edge stylize` makes it, thinned out: uint8 [styles, SIDE / 4, SIDE / 4, 3]."""
WAYS = {"psnr": "graph", "psnr_stylised": "stylize"}
"""What is measured: against which of the two, by which way."""

Pictures = NDArray[np.uint8] | NDArray[np.float32]


def made_photo() -> NDArray[np.uint8]:
    """A photo [SIDE, SIDE, 3] of a sky, a hill and a sun: soft and hard edges, all in levels that
    are multiples of four, which pack well."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    sky = [np.sin(5 * x + 2 * y * y), np.cos(4 * y), np.sin(7 * x * y)]
    picture = 127.5 + 100.0 * np.stack(sky, 2)
    hill = y > 0.6 + 0.2 * np.sin(6 * x)
    picture[hill] = 0.5 * picture[hill] + (10, 60, 20)
    picture[np.hypot(x - 0.3, y - 0.35) < 0.16] = (240, 212, 88)
    return (np.clip(picture, 0, 255) // 4 * 4).astype(np.uint8)


def thinned(pictures: NDArray[Any]) -> NDArray[Any]:
    """Every fourth pixel both ways of pictures [N, h, w, 3]."""
    return pictures[:, ::STRIDE, ::STRIDE]


def each_style(count: int) -> NDArray[np.float32]:
    """[count, count] weights, one style a row."""
    return np.eye(count, dtype=np.float32)


def by_graph(path: Path, photos: Pictures, styles: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the graph `serving_default` makes of photos [N, h, w, 3], each in its styles [N]."""
    inputs = {"photo": photos.astype(np.float32), "style": styles}
    return Model(path).run(inputs)["picture"]


def by_engine(
    path: Path, told: Mapping[str, Any], photos: Pictures, styles: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """What `pi-edge stylize` makes of them, in tiles and under noise.

    Args:
        told: what model.json says of the variant.
    """
    stylist = Stylist(path, told)
    return np.stack(
        [
            frames.styled_alone(stylist, photo.astype(np.uint8), render.Options(style))
            for photo, style in zip(photos, styles, strict=True)
        ]
    )


def decibels(pictures: Pictures, expected: Pictures) -> float:
    """Peak signal-to-noise ratio of pictures 0 to 255, at most 99.99."""
    error = float(np.mean(np.square(pictures.astype(np.float64) - expected)))
    return round(min(99.99, 10 * math.log10(255**2 / max(error, 1e-12))), 2)


def measured(
    path: Path, told: Mapping[str, Any], names: Sequence[str], arrays: Mapping[str, Pictures]
) -> dict[str, dict[str, float]]:
    """Decibels of a variant from TensorFlow's pictures, by graph and by engine, of each style.

    Args:
        arrays: what check.npz holds.
    """
    styles = each_style(len(names))
    photos = np.repeat(arrays["inputs/photo"].astype(np.float32), len(names), 0)
    made: dict[str, tuple[Pictures, Pictures]] = {
        "psnr": (thinned(by_graph(path, photos, styles)), arrays[GRAPH]),
        "psnr_stylised": (thinned(by_engine(path, told, photos, styles)), arrays[ENGINE]),
    }
    return {
        what: {
            name: decibels(picture, wanted)
            for name, picture, wanted in zip(names, pictures, expected, strict=True)
        }
        for what, (pictures, expected) in made.items()
    }
