"""Measure a digits model in this machine's TFLite runtime. Needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.model import Model

BATCH = 100


@dataclass(frozen=True)
class Accuracy:
    """How many of how many images were read wrongly."""

    errors: int
    images: int

    @property
    def part(self) -> float:
        """The part that was right, 0 to 1, as model.json has it."""
        return round(1 - self.errors / self.images, 6)


def answers(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities [n, 10] that the file gives for images [n, 28, 28]."""
    model = Model(path)
    parts = [
        model.run({"image": images[start : start + BATCH].astype(np.float32)})["probabilities"]
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def accuracy(chances: NDArray[np.float32], labels: NDArray[np.uint8]) -> Accuracy:
    """Count where the most probable digit is not the label."""
    return Accuracy(int((chances.argmax(1) != labels).sum()), len(labels))


def of(path: Path, digits: Any, rows: NDArray[np.int64]) -> Accuracy:
    """Measure a file on some digits (digit_data.Digits), a batch of them in memory at a time."""
    model, wrong = Model(path), 0
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        said = model.run({"image": digits.images(some).astype(np.float32)})["probabilities"]
        wrong += int((said.argmax(1) != digits.labels[some]).sum())
    return Accuracy(wrong, len(rows))
