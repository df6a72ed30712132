"""What the models folder promises, measured on the real test images."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from pi_edge.desktop import mnist
from pi_edge.desktop.mnist.verify import verify
from pi_edge.model import Model

# Test accuracy that float32 must reach, and how far below it int8 may be.
FLOORS = {
    "mnist-linear": (0.9200, 0.0030),
    "mnist-mlp": (0.9650, 0.0020),
    "mnist-flux-cnn": (0.9830, 0.0020),
    "mnist-cnn": (0.9970, 0.0005),
}


@pytest.mark.parametrize("name", mnist.NAMES)
def test_a_shipped_model_measures_as_it_says(shipped_models: Path, mnist: Path, name: str) -> None:
    assert verify(shipped_models / name, given=mnist, say=lambda _: None) == []


@pytest.mark.parametrize("name", mnist.NAMES)
def test_a_shipped_model_is_as_accurate_as_promised(shipped_models: Path, name: str) -> None:
    variants = json.loads((shipped_models / name / "model.json").read_bytes())["variants"]
    floor, loss = FLOORS[name]
    assert variants["float32"]["accuracy"] >= floor
    assert variants["float16"]["accuracy"] >= variants["float32"]["accuracy"] - 0.0002
    assert variants["int8"]["accuracy"] >= variants["float32"]["accuracy"] - loss - 1e-9


@pytest.mark.parametrize("name", mnist.NAMES)
def test_a_shipped_model_was_trained_to_its_end(shipped_models: Path, name: str) -> None:
    trained = json.loads((shipped_models / name / "model.json").read_bytes())["trained"]
    assert trained["epochs"] == trained["planned_epochs"]


@pytest.mark.parametrize("name", ["mnist-linear", "mnist-mlp", "mnist-flux-cnn"])
def test_training_stayed_within_60_mb_of_importing_tensorflow(
    shipped_models: Path, name: str
) -> None:
    trained = json.loads((shipped_models / name / "model.json").read_bytes())["trained"]
    memory = trained["memory"]
    assert memory["peak_bytes"] - memory["tensorflow_import_bytes"] <= 60_000_000


def test_the_best_network_is_under_one_megabyte(shipped_models: Path) -> None:
    assert (shipped_models / "mnist-cnn" / "float32.tflite").stat().st_size < 1_000_000


def test_the_best_network_answers_in_two_milliseconds_on_one_thread(shipped_models: Path) -> None:
    model = Model(shipped_models / "mnist-cnn" / "float32.tflite", threads=1)
    image = {"image": np.zeros((1, 28, 28), np.float32)}
    fastest = float("inf")
    for _ in range(300):
        began = time.perf_counter()
        model.run(image)
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 0.002
