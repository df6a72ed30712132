"""The network of stocks as a training graph, and its files with numbers in known places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.learning import buffers
from pi_edge.learning.forecasts import network
from pi_edge.learning.forecasts.network import ABSENT, Architecture, Fitted
from pi_edge.learning.graph import TrainingGraph
from pi_edge.model import Model
from pi_edge.quiet import quiet

TICKERS = 3

KINDS = {
    "linear": Architecture((), 5),
    "two layers, two days ahead": Architecture((8,), 10, horizon=2),
    "three layers": Architecture((8, 8), 5, scale="mixed"),
    "joint": Architecture((), 5, joint=True),
    "joint, two layers": Architecture((8,), 5, joint=True),
}


@pytest.fixture(scope="module")
def learner(tensorflow: Any) -> Any:
    with quiet():
        from pi_edge.desktop.stocks import learner
    return learner


@pytest.fixture
def windows() -> np.ndarray:
    random = np.random.default_rng(1)
    steps = 0.01 * random.standard_normal((4, 61, TICKERS))
    return np.asarray(50 * np.exp(np.cumsum(steps, 1)), np.float32)


def made(architecture: Architecture, shrinkage: float = 0.7, low: float = -1.2) -> Fitted:
    random = np.random.default_rng(2)
    joint = architecture.joint
    inputs = architecture.lookback * (TICKERS if joint else 2)
    widths = (inputs, *architecture.hidden, TICKERS if joint else 1)
    weights = {}
    for layer in range(1, len(widths)):
        shape = widths[layer - 1 : layer + 1]
        weights[f"dense{layer}/kernel"] = random.normal(0, 0.2, shape).astype(np.float32)
        weights[f"dense{layer}/bias"] = random.normal(0, 0.1, shape[1]).astype(np.float32)
    return Fitted(architecture, weights, shrinkage, low, 1.3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_the_file_is_the_one_that_the_converter_makes_of_the_network(
    learner: Any, windows: np.ndarray, kind: str, variant: str
) -> None:
    fitted = made(KINDS[kind])
    contents, _ = learner.file(fitted, TICKERS, variant, windows)
    graph = learner.network.graph(fitted, TICKERS)
    assert contents == learner.tflite.convert(graph, variant, windows)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_that_says_nothing_can_be_learned_into_all_the_same(
    learner: Any, windows: np.ndarray, kind: str, tmp_path: Path
) -> None:
    silent, speaking = made(KINDS[kind], 0.0, 0.0), made(KINDS[kind])
    contents, places = learner.file(silent, TICKERS, "float32", windows)
    values = {
        places[key]["buffer"]: learner.packed(value, places[key])
        for key, value in network.constants(speaking).items()
    }
    path = tmp_path / "float32.tflite"
    path.write_bytes(buffers.replaced(contents, values))
    given = Model(path).run({"prices": windows})
    with quiet():
        wanted = learner.network.graph(speaking, TICKERS)(windows)
    for name, output in given.items():
        np.testing.assert_allclose(output, wanted[name].numpy(), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_sees_hubers_loss_and_makes_it_smaller(
    learner: Any, kind: str, tmp_path: Path
) -> None:
    fitted = made(KINDS[kind])
    told = learner.write(tmp_path, fitted, TICKERS, {})
    graph = TrainingGraph(tmp_path / told["file"])
    random = np.random.default_rng(3)
    x = random.normal(size=(100, len(fitted.weights["dense1/kernel"]))).astype(np.float32)
    y = 2 * random.normal(size=(100, TICKERS if fitted.architecture.joint else 1))
    there = random.random(y.shape) > 0.2 if fitted.architecture.joint else np.ones(y.shape, bool)
    target = np.where(there, y, ABSENT).astype(np.float32)
    size = np.where(there, np.abs(y - network.dense(fitted.weights, x)), 0)
    huber = np.where(size < 1, 0.5 * size**2, size - 0.5).mean()
    first, error = graph.train({"seen": x}, target, 1e-3)
    assert first == pytest.approx(huber, rel=1e-5)
    assert error == pytest.approx(size.mean(), rel=1e-5)
    losses = [graph.train({"seen": x}, target, 1e-3)[0] for _ in range(20)]
    assert losses[-1] < first


def test_constants_and_network_are_the_same_thing_twice() -> None:
    fitted = made(KINDS["two layers, two days ahead"])
    again = network.from_constants(network.constants(fitted), fitted.architecture, 0.7)
    for key, value in fitted.weights.items():
        np.testing.assert_allclose(again.weights[key], value, rtol=1e-6)
    assert (again.low, again.high) == (np.float32(-1.2), np.float32(1.3))
