from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pi_edge.desktop import mnist
from pi_edge.quiet import quiet


@pytest.fixture(scope="module")
def networks(tensorflow: Any) -> Any:
    with quiet():
        from pi_edge.desktop.mnist import networks
    return networks


def weights(networks: Any, name: str) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    values = networks.initial_weights(networks.NETWORKS[name].layers, random)
    for key in [key for key in values if key.endswith("/gamma")]:
        for part in ("mean", "variance"):
            values[key.replace("gamma", part)] = values[key]
    for key, value in values.items():  # as after training: nothing is zero or one
        if value.ndim == 1:
            values[key] = random.uniform(0.5, 1.5, value.shape).astype(np.float32)
    return dict(values)


def test_the_names_known_without_tensorflow_are_the_networks(networks: Any) -> None:
    assert tuple(networks.NETWORKS) == mnist.NAMES


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mnist-linear", 784 * 10 + 10),
        ("mnist-mlp", 784 * 32 + 32 + 32 * 10 + 10),
        ("mnist-flux-cnn", 2 * 2 * 16 + 16 + 2 * 2 * 16 * 8 + 8 + 288 * 10 + 10),
    ],
)
def test_a_network_has_the_weights_of_its_description(networks: Any, name: str, count: int) -> None:
    assert sum(value.size for value in weights(networks, name).values()) == count


@pytest.mark.parametrize("name", mnist.NAMES)
def test_probabilities_sum_to_one(networks: Any, name: str) -> None:
    layers = networks.NETWORKS[name].layers
    image = np.random.default_rng(1).uniform(0, 255, (3, 28, 28)).astype(np.float32)
    plain = networks.folded(layers, weights(networks, name))
    chances = networks.probabilities(layers, plain, image).numpy()
    assert chances.shape == (3, 10)
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)


def test_folding_computes_what_normalisation_would(tensorflow: Any, networks: Any) -> None:
    tf = tensorflow
    layers = (networks.Conv(3, 4, norm=True), networks.Dense(10))
    random = np.random.default_rng(2)
    values = networks.initial_weights(layers, random)
    for part in ("gamma", "bias", "mean", "variance"):
        values[f"conv1/{part}"] = random.uniform(0.5, 2, 4).astype(np.float32)
    image = random.uniform(0, 255, (2, 28, 28)).astype(np.float32)

    x = tf.nn.conv2d(image[..., None] / 255, values["conv1/kernel"], 1, "VALID")
    x = tf.nn.batch_normalization(
        x,
        *(values[f"conv1/{part}"] for part in ("mean", "variance", "bias", "gamma")),
        networks.EPSILON,
    )
    x = tf.reshape(tf.nn.relu(x), [2, -1]) @ values["dense2/kernel"] + values["dense2/bias"]
    folded = networks.probabilities(layers, networks.folded(layers, values), image)
    np.testing.assert_allclose(folded, tf.nn.softmax(x), atol=1e-5)


def test_dropout_drops_its_part_and_keeps_the_mean(tensorflow: Any, networks: Any) -> None:
    layers = (networks.Dropout(0.4),)
    image = np.full((8, 28, 28), 255, np.float32)
    x, _ = networks.logits(layers, {}, image, tensorflow.constant([1, 2]))
    assert float((x.numpy() == 0).mean()) == pytest.approx(0.4, abs=0.03)
    assert float(x.numpy().mean()) == pytest.approx(1.0, abs=0.05)
