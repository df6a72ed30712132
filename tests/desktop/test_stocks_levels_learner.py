"""The network of stocks-levels as a training graph, and its files with numbers in known places."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.learning import buffers
from pi_edge.learning.forecasts.levels import Levels, constants, dense, from_constants
from pi_edge.learning.forecasts.network import ABSENT
from pi_edge.learning.graph import TrainingGraph
from pi_edge.model import Model
from pi_edge.quiet import quiet

DAYS = 5
KINDS = {"three stocks": (3, (16, 8)), "one stock": (1, (8,)), "ten stocks": (10, (4, 4, 4))}


@pytest.fixture(scope="module")
def learner(tensorflow: Any) -> Any:
    with quiet():
        from pi_edge.desktop.stocks import levels_learner
    return levels_learner


def made(kind: str, seed: int = 2) -> Levels:
    random = np.random.default_rng(seed)
    tickers, hidden = KINDS[kind]
    widths = (DAYS * tickers, *hidden, tickers)

    def some(shape: Any, low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, shape).astype(np.float32)

    return Levels(
        lowest=some(tickers, 10, 20),
        span=some(tickers, 5, 50),
        kernels=tuple(some(pair, -0.5, 0.5) for pair in pairwise(widths)),
        biases=tuple(some(width, -0.5, 0.5) for width in widths[1:]),
        below=some(tickers, -0.2, -0.1),
        above=some(tickers, 0.1, 0.2),
        rounds=0,
        validation_loss=0.0,
    )


def windows(kind: str) -> np.ndarray:
    return np.random.default_rng(1).uniform(5, 80, (4, DAYS, KINDS[kind][0])).astype(np.float32)


def differ(one: list[bytes], other: list[bytes]) -> list[int]:
    return [at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_the_file_is_the_one_that_the_converter_makes_but_for_a_last_digit(
    learner: Any, kind: str, variant: str
) -> None:
    known = made(kind)
    contents, places = learner.file(constants(known), variant, windows(kind))
    other = learner.tflite.convert(learner.levels.graph(known), variant, windows(kind))
    assert len(contents) == len(other)
    one, two = ([file[place] for place in buffers.find(file)] for file in (contents, other))
    at = places["reciprocal"]["buffer"]
    assert differ(one, two) in ([], [at])
    dtype = "<f2" if variant == "float16" else "<f4"
    np.testing.assert_allclose(
        np.frombuffer(one[at], dtype), np.frombuffer(two[at], dtype), rtol=2e-7
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_prices_that_never_moved_can_be_learned_into_all_the_same(
    learner: Any, kind: str, tmp_path: Path
) -> None:
    still = {key: np.zeros_like(value) for key, value in constants(made(kind)).items()}
    still["reciprocal"] += 1
    contents, places = learner.file(still, "float32", windows(kind))
    moving = made(kind)
    values = {
        places[key]["buffer"]: learner.packed(value, places[key])
        for key, value in constants(moving).items()
    }
    path = tmp_path / "float32.tflite"
    path.write_bytes(buffers.replaced(contents, values))
    given = Model(path).run({"prices": windows(kind)})
    with quiet():
        wanted = learner.levels.graph(moving)(windows(kind))
    for name, output in given.items():
        np.testing.assert_allclose(output, wanted[name].numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_those_of_the_desktop(
    learner: Any, tensorflow: Any, kind: str, tmp_path: Path
) -> None:
    tf, known, rate = tensorflow, made(kind), 1e-2
    told = learner.write(tmp_path, known, {})
    graph = TrainingGraph(tmp_path / told["file"])
    random = np.random.default_rng(3)
    tickers = KINDS[kind][0]
    x = random.uniform(-0.5, 2, (told["batch"], DAYS * tickers)).astype(np.float32)
    y = random.uniform(0, 2, (told["batch"], tickers)).astype(np.float32)
    there = random.random(y.shape) > 0.2
    kernels, biases = ([tf.Variable(v) for v in part] for part in (known.kernels, known.biases))
    variables = [*kernels, *biases]
    moments = [[0.0, 0.0] for _ in variables]
    for step in range(1, 11):
        with tf.GradientTape() as tape:
            off = (learner.levels._layers(kernels, biases, x) - y) * there.astype(np.float32)
            loss = tf.nn.l2_loss(off) / len(x)
            for kernel in kernels:
                loss += learner.levels.L1 * tf.reduce_sum(tf.abs(kernel))
                loss += learner.levels.L2 * tf.nn.l2_loss(kernel)
        said, missed = graph.train({"seen": x}, np.where(there, y, np.float32(ABSENT)), rate)
        assert said == pytest.approx(float(loss), rel=1e-4)
        assert missed == pytest.approx(np.abs(off.numpy()).mean(), rel=1e-4)
        scale = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for moment, gradient, value in zip(
            moments, tape.gradient(loss, variables), variables, strict=True
        ):
            moment[0] = 0.9 * moment[0] + 0.1 * gradient
            moment[1] = 0.999 * moment[1] + 0.001 * gradient * gradient
            value.assign_sub(scale * moment[0] / (tf.sqrt(moment[1]) + 1e-7))
    found = graph.weights()
    for at, (kernel, bias) in enumerate(zip(kernels, biases, strict=True), start=1):
        np.testing.assert_allclose(found[f"dense{at}_kernel"], kernel.numpy(), atol=1e-4)
        np.testing.assert_allclose(found[f"dense{at}_bias"], bias.numpy(), atol=1e-4)


def test_elu_and_its_slope_are_tensorflows_at_zero_and_far_from_it(
    learner: Any, tensorflow: Any
) -> None:
    tf = tensorflow
    x = tf.constant([-200.0, -3.0, -1e-3, 0.0, 1e-3, 3.0, 200.0])
    slopes = []
    for function in (learner.elu, tf.nn.elu):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        slopes.append(tape.gradient(y, x).numpy())
        np.testing.assert_allclose(y.numpy(), tf.nn.elu(x).numpy(), atol=1e-7)
    np.testing.assert_allclose(slopes[0], slopes[1], atol=1e-7)


def test_the_network_in_numpy_is_tensorflows(learner: Any) -> None:
    known = made("three stocks")
    x = np.random.default_rng(5).uniform(-1, 2, (20, 15)).astype(np.float32)
    with quiet():
        wanted = learner.levels._layers(known.kernels, known.biases, x).numpy()
    np.testing.assert_allclose(dense(known, x), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_constants_and_network_are_the_same_thing_twice(kind: str) -> None:
    known = made(kind)
    again = from_constants(constants(known))
    assert again.days == DAYS
    np.testing.assert_allclose(again.span, known.span, rtol=1e-6)
    for key, value in known.weights.items():
        np.testing.assert_allclose(again.weights[key], value, rtol=1e-5, atol=1e-6)
    for name in ("lowest", "below", "above"):
        np.testing.assert_array_equal(getattr(again, name), getattr(known, name))
