"""The test images that every machine of a comparison reads."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np

RULE = "those MNIST test images whose pixels' SHA-256 come first"


@dataclass(frozen=True)
class DigitImages:
    """Images and what they show.

    Attributes:
        npz: a file's contents: uint8 ``images`` [n, 28, 28] and ``labels`` [n].
        labels: [n].
        sha256: of ``npz``.
    """

    npz: bytes
    labels: np.ndarray
    sha256: str


def choose(images: np.ndarray, labels: np.ndarray, count: int) -> DigitImages:
    """Choose ``count`` images, the same in whatever order the file holds them.

    Args:
        images: uint8 [n, 28, 28].
        labels: uint8 [n].
    """
    order = sorted(range(len(images)), key=lambda i: hashlib.sha256(images[i].tobytes()).digest())
    chosen = np.array(order[:count])
    whole = io.BytesIO()
    np.savez(whole, images=images[chosen], labels=labels[chosen])
    npz = whole.getvalue()
    return DigitImages(npz, labels[chosen], hashlib.sha256(npz).hexdigest())
