"""Pictures side by side in one file, to look at while a training or an optimisation runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pi_edge import files
from pi_edge.desktop.style import network


def pixels(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """A picture of floats, 0 to 255, as whole numbers."""
    return np.clip(np.asarray(picture) + 0.5, 0, 255).astype(np.uint8)


def write(path: Path, rows: Sequence[Sequence[NDArray[Any]]]) -> None:
    """Write rows of pictures [H, W, 3] of one size as a JPEG, whole or not at all."""
    grid = np.concatenate([np.concatenate([pixels(p) for p in row], 1) for row in rows], 0)
    with files.replacing(path) as file:
        Image.fromarray(grid).save(file, "JPEG", quality=90)


def row(
    weights: network.Weights, shape: network.Shape, photo: NDArray[np.uint8]
) -> list[NDArray[Any]]:
    """A photo [H, W, 3], and the same in every style."""
    return [
        photo,
        *(
            network.stylise(weights, shape, photo, one)
            for one in np.eye(shape.styles, dtype=np.float32)
        ),
    ]
