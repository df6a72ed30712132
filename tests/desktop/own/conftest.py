"""Small networks made here, as their makers would leave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.cli import main
from pi_edge.quiet import quiet


@pytest.fixture(scope="session")
def keras(tensorflow: Any) -> Any:
    with quiet():
        import keras

    keras.utils.set_random_seed(1)
    return keras


@pytest.fixture(scope="session")
def classifier(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .keras file: pixels [-1,12,10,3] -> kind [-1,4], probabilities."""
    network = keras.Sequential(
        [
            keras.Input((12, 10, 3), name="pixels"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="softmax", name="kind"),
        ]
    )
    path = tmp_path_factory.mktemp("own") / "classifier.keras"
    network.save(path)
    return path


@pytest.fixture(scope="session")
def pixels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 samples for it, and what they are, as .npz."""
    random = np.random.default_rng(2)
    path = tmp_path_factory.mktemp("samples") / "pixels.npz"
    images = random.integers(0, 256, (40, 12, 10, 3), np.uint8)
    np.savez(path, x_train=images, y_train=random.integers(0, 4, 40))
    return path


@pytest.fixture(scope="session")
def converted(classifier: Path, pixels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that convert wrote for it in a models folder of its own."""
    folder = tmp_path_factory.mktemp("own-models")
    labels = folder.parent / "kinds.txt"
    labels.write_text("cat\ndog\nbird\nfish\n")
    arguments = ["--calibration", str(pixels), "--labels", str(labels), "--output", str(folder)]
    assert main(["convert", str(classifier), "--name", "kinds", *arguments]) == 0
    return folder / "kinds"


@pytest.fixture
def fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Convert something that cannot be, and return the error, which must be one line and leave
    nothing behind."""

    def convert(path: object, *flags: object, code: int = 1, lines: int = 1) -> str:
        output = tmp_path / "models"
        words = ["convert", str(path), "--name", "mine", "--output", str(output)]
        assert main([*words, *map(str, flags)]) == code
        said = capsys.readouterr().err
        assert len(said.splitlines()) == lines, said
        assert not output.exists() or not list(output.iterdir())
        return said

    return convert
