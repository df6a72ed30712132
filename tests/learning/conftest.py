"""Small data to learn from, and TensorFlow where a test has the desktop step make a model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from support import missing


@pytest.fixture(scope="session")
def tensorflow() -> None:
    if importlib.util.find_spec("tensorflow") is None:
        missing("TensorFlow is not installed (extra desktop)")


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like Keras' mnist.npz: 1200 and 200 images of bars, the wider the higher the digit,
    under noise. Sorted by label, as MNIST is."""
    random = np.random.default_rng(7)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.sort(np.arange(count) % 10).astype(np.uint8)
        images = random.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, : 2 * label + 2] += 150
        return images, labels

    x_train, y_train = part(1200)
    x_test, y_test = part(200)
    path = tmp_path_factory.mktemp("bars") / "mnist.npz"
    np.savez_compressed(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path
