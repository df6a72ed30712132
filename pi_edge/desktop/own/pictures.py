"""Images of a folder as a network's input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.own.original import Tensor
from pi_edge.errors import BadInput

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
FREE_SIDE = 256
"""Pixels of a side whose length the network leaves open."""

SCALES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "0..255": lambda pixels: pixels,
    "0..1": lambda pixels: pixels / np.float32(255),
    "symmetric": lambda pixels: pixels / np.float32(127.5) - np.float32(1),
}
"""From pixels 0 to 255 to what networks take."""


def find(folder: Path) -> list[Path]:
    """All images in a folder and the folders in it."""
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file()
    )


def read(paths: Sequence[Path], tensor: Tensor, pixels: str) -> NDArray[Any]:
    """The images as [n, height, width, channels], upright and resized, in the input's type.

    Raises:
        BadInput: the input is no image, or a file cannot be read as one.
    """
    from PIL import Image, ImageOps

    height, width, mode, channelled = _form(tensor)
    found = []
    for path in paths:
        try:
            with Image.open(path) as opened:
                image = ImageOps.exif_transpose(opened).convert(mode)
                resized = image.resize((width, height), Image.Resampling.BILINEAR)
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise BadInput(f"{path} cannot be read as an image: {error}") from error
        found.append(np.asarray(resized))
    array = np.stack(found)
    if channelled and mode == "L":
        array = array[..., None]
    if tensor.dtype.kind == "f":
        array = SCALES[pixels](array.astype(np.float32))
    elif pixels != "0..255":
        raise BadInput(f"the input {tensor} takes whole numbers: pixels of 0..255, not {pixels}")
    return array.astype(tensor.dtype)


def _form(tensor: Tensor) -> tuple[int, int, str, bool]:
    """Height, width, Pillow's mode, and whether there is an axis of channels."""
    shape = tensor.shape
    if len(shape) == 4 and shape[3] in (1, 3):
        mode = "L" if shape[3] == 1 else "RGB"
    elif len(shape) == 3:
        mode = "L"
    else:
        raise BadInput(
            f"the input {tensor} is no image with one or three channels: give samples as .npz or "
            ".npy"
        )
    return shape[1] or FREE_SIDE, shape[2] or FREE_SIDE, mode, len(shape) == 4
