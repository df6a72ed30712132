"""A training graph takes the steps that TensorFlow takes, with TFLite's builtins alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge import runtime
from pi_edge.learning.graph import TrainingGraph
from pi_edge.learning.loop import scratch

NAMES = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn")
STEPS, RATE = 5, 1e-3


@pytest.fixture(scope="module", params=NAMES)
def built(request: pytest.FixtureRequest, tensorflow: Any, tmp_path_factory: Any) -> Any:
    """A network with random weights, what TensorFlow knows of it, and its training graph."""
    from pi_edge.desktop import training_graph
    from pi_edge.desktop.mnist import learner, networks

    network = networks.NETWORKS[request.param]
    weights = networks.initial_weights(network.layers, np.random.default_rng(3))
    random = np.random.default_rng(4)
    for name, weight in weights.items():
        if name.endswith("/bias"):
            weights[name] = (0.1 * random.standard_normal(weight.shape)).astype(np.float32)
    folded = {
        name: weight / np.float32(255) if name in ("conv1/kernel", "dense1/kernel") else weight
        for name, weight in weights.items()
    }
    learns = learner.learner(network, folded, batch=20)
    path = tmp_path_factory.mktemp("graph") / "train.tflite"
    path.write_bytes(training_graph.build(learns))
    return network, folded, learns, path


@pytest.fixture(scope="module")
def some() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    return random.integers(0, 255, (20, 28, 28)).astype(np.float32), np.arange(20) % 10


def test_infer_is_the_network_that_is_shipped(
    built: Any, some: tuple[np.ndarray, np.ndarray]
) -> None:
    from pi_edge.desktop.mnist.networks import probabilities

    network, folded, _, path = built
    expected = probabilities(network.layers, folded, some[0]).numpy()
    said = TrainingGraph(path).infer({"image": some[0]})["probabilities"]
    np.testing.assert_allclose(said, expected, atol=2e-5)


def test_steps_are_those_of_tensorflow_and_keras_adam(
    tensorflow: Any, built: Any, some: tuple[np.ndarray, np.ndarray]
) -> None:
    from pi_edge.desktop.mnist.networks import probabilities

    network, folded, learns, path = built
    graph = TrainingGraph(path)
    images, labels = some
    losses = [graph.train({"image": images}, labels, RATE)[0] for _ in range(STEPS)]

    # The same by TensorFlow's own convolutions, pooling, relu and softmax, and their gradients.
    scales = {name.replace("_", "/"): weight.scale for name, weight in learns.weights.items()}
    variables = {
        name: tensorflow.Variable(folded[name] / np.float32(scale))
        for name, scale in scales.items()
    }
    adam = tensorflow.keras.optimizers.Adam(RATE, 0.9, 0.999, 1e-7)
    expected = []
    for _ in range(STEPS):
        with tensorflow.GradientTape() as tape:
            now = folded | {name: variables[name] * scales[name] for name in variables}
            chances = probabilities(network.layers, now, images)
            right = tensorflow.gather(chances, labels, batch_dims=1)
            loss = -tensorflow.reduce_mean(tensorflow.math.log(right + 1e-30))
        expected.append(float(loss))
        adam.apply_gradients(
            zip(tape.gradient(loss, [*variables.values()]), variables.values(), strict=True)
        )
    np.testing.assert_allclose(losses, expected, rtol=2e-3, atol=1e-4)
    for name, weight in graph.weights().items():
        known = variables[name.replace("_", "/")].numpy().reshape(weight.shape)
        # Adam's first steps are as large as the rate, whatever the gradient's size: where that is
        # nearly zero its sign is chance.
        apart = np.abs(weight - known)
        assert np.mean(apart > RATE / 10) < 0.02, name


def test_nothing_but_builtins_is_in_it(built: Any) -> None:
    interpreter = runtime.interpreter(built[-1])
    interpreter.allocate_tensors()
    names = {str(detail["op_name"]) for detail in interpreter._get_ops_details()}
    assert names
    assert not any(name.startswith(("Flex", "CUSTOM", "Custom")) for name in names)


def test_weights_from_scratch_have_the_spread_that_is_told(built: Any) -> None:
    learns = built[2]
    told = {
        name: {"shape": weight.value.shape, "spread": weight.spread}
        for name, weight in learns.weights.items()
    }
    for name, weight in scratch(told, seed=0).items():
        assert weight.std() == pytest.approx(learns.weights[name].spread, rel=0.35)
    assert scratch(told, 0).keys() == learns.weights.keys()


def test_where_each_weight_is_in_the_files_is_found(shipped_models: Path) -> None:
    from pi_edge.desktop import training_graph
    from pi_edge.desktop.training_graph import Weight

    contents = (shipped_models / "mnist-linear/float32.tflite").read_bytes()
    nowhere = Weight(np.full((784, 10), 0.25, np.float32))
    assert training_graph._place(contents, nowhere) is None
