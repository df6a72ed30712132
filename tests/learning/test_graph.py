"""A shipped training graph learns, and tells and takes all that it knows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pi_edge import catalog
from pi_edge.errors import PiEdgeError
from pi_edge.learning import written
from pi_edge.learning.graph import TrainingGraph
from pi_edge.model import Model

NAMES = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn")


@pytest.fixture
def mlp(shipped_models: Path) -> TrainingGraph:
    return TrainingGraph(shipped_models / "mnist-mlp/train.tflite")


@pytest.fixture(scope="module")
def some() -> tuple[np.ndarray, np.ndarray]:
    """A batch of images [100, 28, 28] uint8 and labels: bright bars, wider for higher digits."""
    labels = np.arange(100) % 10
    images = np.zeros((100, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, : 2 * label + 2] = 200
    return images, labels


def steps(graph: TrainingGraph, some: tuple[np.ndarray, np.ndarray], count: int) -> list[float]:
    images, labels = some
    return [graph.train({"image": images}, labels, 1e-3)[0] for _ in range(count)]


@pytest.mark.parametrize("name", NAMES)
def test_it_infers_what_the_model_does(shipped_models: Path, name: str) -> None:
    folder = shipped_models / name
    with np.load(folder / "check.npz") as check:
        images = check["inputs/image"]
    graph = TrainingGraph(folder / "train.tflite")
    graph.restore(written.read(catalog.read(folder)))
    expected = Model(folder / "float32.tflite").run({"image": images})["probabilities"]
    np.testing.assert_allclose(graph.infer({"image": images})["probabilities"], expected, atol=1e-5)


def test_no_scalar_is_given_to_the_runtime(
    mlp: TrainingGraph, some: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiteRT 2.3.0 does not survive one on 64-bit ARM."""
    given: dict[str, np.ndarray] = {}
    run = mlp._run["train"]
    monkeypatch.setitem(mlp._run, "train", lambda **all: given.update(all) or run(**all))
    steps(mlp, some, 1)
    assert given
    assert not [name for name, value in given.items() if np.ndim(value) == 0]


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_the_model_s_own_weights(shipped_models: Path, name: str) -> None:
    folder = shipped_models / name
    weights = TrainingGraph(folder / "train.tflite").weights()
    known = written.read(catalog.read(folder))
    assert weights.keys() == known.keys()
    for key, weight in weights.items():
        np.testing.assert_allclose(weight, known[key], rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_falls(
    shipped_models: Path, name: str, some: tuple[np.ndarray, np.ndarray]
) -> None:
    losses = steps(TrainingGraph(shipped_models / name / "train.tflite"), some, 40)
    assert losses[-1] < losses[0] / 2


def test_a_part_of_a_batch_counts_as_if_it_were_all(
    mlp: TrainingGraph, shipped_models: Path, some: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = some
    twice = np.concatenate([images[:50], images[:50]]), np.concatenate([labels[:50], labels[:50]])
    other = TrainingGraph(shipped_models / "mnist-mlp/train.tflite")
    assert mlp.train({"image": images[:50]}, labels[:50], 1e-3) == pytest.approx(
        other.train({"image": twice[0]}, twice[1], 1e-3), rel=1e-5
    )
    for name, weight in mlp.weights().items():
        np.testing.assert_allclose(weight, other.weights()[name], atol=1e-5)


def test_any_number_of_images_is_inferred(
    mlp: TrainingGraph, some: tuple[np.ndarray, np.ndarray]
) -> None:
    images = np.concatenate([some[0], some[0][:7]])
    said = mlp.infer({"image": images})["probabilities"]
    assert said.shape == (107, 10)
    np.testing.assert_array_equal(said[100:], said[:7])


def test_what_it_knows_goes_on_in_another(
    mlp: TrainingGraph, shipped_models: Path, some: tuple[np.ndarray, np.ndarray]
) -> None:
    steps(mlp, some, 3)
    weights, optimiser = mlp.weights(), mlp.optimiser()
    assert optimiser["steps"].tolist() == [3.0]
    expected = steps(mlp, some, 3)
    other = TrainingGraph(shipped_models / "mnist-mlp/train.tflite")
    other.restore(weights)
    other.restore_optimiser(optimiser)
    assert steps(other, some, 3) == expected


def test_adam_can_begin_anew(mlp: TrainingGraph, some: tuple[np.ndarray, np.ndarray]) -> None:
    weights = mlp.weights()
    first = steps(mlp, some, 3)
    mlp.restore(weights)
    mlp.reset_optimiser()
    assert steps(mlp, some, 3) == first


def test_a_file_that_is_no_training_graph_is_refused(shipped_models: Path) -> None:
    with pytest.raises(PiEdgeError, match="no training graph"):
        TrainingGraph(shipped_models / "mnist-mlp/float32.tflite")


@pytest.mark.parametrize("name", NAMES)
def test_model_json_tells_of_it(shipped_models: Path, name: str) -> None:
    told = json.loads((shipped_models / name / "model.json").read_bytes())["training"]
    graph = TrainingGraph(shipped_models / name / "train.tflite")
    assert graph.batch == told["batch"]
    shapes = {key: list(weight.shape) for key, weight in graph.weights().items()}
    assert shapes == {key: one["shape"] for key, one in told["weights"].items()}
    assert all({"float32", "float16"} <= one["places"].keys() for one in told["weights"].values())
