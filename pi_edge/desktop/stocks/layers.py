"""Dense layers in raw TensorFlow: what they compute, and how they learn."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.learning.forecasts.network import Weights

STEPS, BATCH = 1000, 1024
RATE, WARM_UP, WEIGHT_DECAY = 2e-3, 50, 1e-3
BETA1, BETA2, TINY = 0.9, 0.999, 1e-7

Step = Callable[[], None]


def learn(
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    hidden: tuple[int, ...],
    seed: int,
    step: Step = lambda: None,
) -> Weights:
    """Train on samples x [n, inputs], y [n, outputs] and return the weights.

    Huber's loss (1964), which a crash pulls no harder than a bad day; Adam (Kingma and Ba,
    ICLR 2015) with decoupled weight decay (Loshchilov and Hutter, ICLR 2019) and a falling
    rate. The last layer starts at zero: untrained, the network says the last price.
    """
    random = np.random.default_rng([seed, 0])
    widths = (x.shape[1], *hidden, y.shape[1])
    update, variables = _trainer(widths)
    for key, value in start_weights(widths, random).items():
        variables[key].assign(value)
        variables[f"{key}@m"].assign(np.zeros_like(value))
        variables[f"{key}@v"].assign(np.zeros_like(value))
    for number in range(STEPS):
        rows = random.integers(0, len(x), BATCH)
        update(x[rows], y[rows], np.float32(number))
        step()
    return {key: value.numpy() for key, value in variables.items() if "@" not in key}


def start_weights(widths: tuple[int, ...], random: np.random.Generator) -> Weights:
    """Return He's normal initialisation (ICCV 2015), and zero for the last layer."""
    weights: dict[str, NDArray[np.float32]] = {}
    layers = len(widths) - 1
    for layer, (wide, out) in enumerate(itertools.pairwise(widths), start=1):
        spread = np.sqrt(2 / wide) if layer < layers else 0.0
        weights[f"dense{layer}/kernel"] = (spread * random.standard_normal((wide, out))).astype(
            np.float32
        )
        weights[f"dense{layer}/bias"] = np.zeros(out, np.float32)
    return weights


@functools.lru_cache(maxsize=4)
def _trainer(widths: tuple[int, ...]) -> tuple[Any, dict[str, Any]]:
    """Return the compiled training step of a shape of network, and the variables it updates."""
    variables: dict[str, Any] = {}
    for key, value in start_weights(widths, np.random.default_rng(0)).items():
        variables |= {name: tf.Variable(value) for name in (key, f"{key}@m", f"{key}@v")}
    weights = {key: variable for key, variable in variables.items() if "@" not in key}

    def update(x: tf.Tensor, y: tf.Tensor, number: tf.Tensor) -> None:
        rate = RATE * tf.minimum((number + 1) / WARM_UP, 0.5 + 0.5 * tf.cos(np.pi * number / STEPS))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(weights.values()))
            there = tf.math.is_finite(y)
            # Zero before the loss: the gradient of NaN times nothing is NaN.
            error = tf.where(there, y, 0.0) - tf.where(there, dense(weights, x), 0.0)
            size = tf.abs(error)
            huber = tf.where(size < 1.0, 0.5 * error * error, size - 0.5)
            loss = tf.reduce_mean(huber)
        gradients = tape.gradient(loss, list(weights.values()))
        scale = tf.sqrt(1 - BETA2 ** (number + 1)) / (1 - BETA1 ** (number + 1))
        for (key, weight), gradient in zip(weights.items(), gradients, strict=True):
            first, second = variables[f"{key}@m"], variables[f"{key}@v"]
            first.assign(BETA1 * first + (1 - BETA1) * gradient)
            second.assign(BETA2 * second + (1 - BETA2) * gradient * gradient)
            change = rate * scale * first / (tf.sqrt(second) + TINY)
            if key.endswith("/kernel"):
                change += rate * WEIGHT_DECAY * weight
            weight.assign_sub(change)

    signature = [
        tf.TensorSpec([None, widths[0]], tf.float32),
        tf.TensorSpec([None, widths[-1]], tf.float32),
        tf.TensorSpec([], tf.float32),
    ]
    return tf.function(update, autograph=False, input_signature=signature), variables


def dense(weights: Mapping[str, Any], x: Any) -> Any:
    """Run the dense layers on [n, inputs], in TensorFlow."""
    layers = len(weights) // 2
    for layer in range(1, layers + 1):
        kernel, bias = weights[f"dense{layer}/kernel"], weights[f"dense{layer}/bias"]
        x = tf.matmul(x, kernel) + bias
        x = tf.nn.relu(x) if layer < layers else x
    return x
