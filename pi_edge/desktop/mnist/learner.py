"""The MNIST networks as they learn on a Pi: all of a small one, the last two layers of mnist-cnn.

Only what TFLite has builtins for may stand between a weight and the loss, gradient included. It
has none for the gradients of convolutions, of pooling and of relu; so a convolution is a matrix
product over patches, the largest of four is three maxima, and relu is the maximum with 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from pi_edge.desktop.mnist.networks import (
    PIXEL_SCALE,
    Conv,
    Dense,
    Dropout,
    Layer,
    MaxPool,
    Network,
    Weights,
    named,
)
from pi_edge.desktop.training_graph import Learner, Tensors, Weight

BATCH, EPOCHS = 100, 5
FINE = 1e-4
"""Learning rate of layers that go on from what they know."""

# The layers from this one on learn; those before are as they were shipped.
FIRST = {"mnist-cnn": 6}


def learner(network: Network, weights: Weights, batch: int = BATCH) -> Learner:
    """A network as it learns.

    Args:
        weights: folded, as networks.probabilities takes them.
    """
    layers = [*named(network.layers)]
    first = FIRST.get(network.name, 1)
    frozen, learning = layers[: first - 1], layers[first - 1 :]
    learned = {
        f"{layer}_{part}": _weight(weights[f"{layer}/{part}"], kind, part, layer == layers[0][0])
        for layer, kind in learning
        if isinstance(kind, Conv | Dense)
        for part in ("kernel", "bias")
    }

    def forward(values: Tensors, given: Tensors) -> Any:
        x = tf.reshape(given["image"], [batch, 28, 28, 1])
        x = tf.stop_gradient(_frozen(frozen, weights, x)) if frozen else x * PIXEL_SCALE
        return _learning(learning, values, x)

    return Learner(
        inputs={"image": (28, 28)},
        target=((), tf.int32),
        weights=learned,
        batch=batch,
        forward=forward,
        loss=cross_entropy,
        answers=lambda logits: {"probabilities": tf.nn.softmax(logits)},
        rate=FINE if frozen else network.recipe.phases[0].learning_rate,
        epochs=EPOCHS,
    )


def cross_entropy(logits: Any, label: Any) -> tuple[Any, Any]:
    """Loss and rightness of each example: logits [n, 10] float32, label [n] int32."""
    # The gradient of TensorFlow's own log-softmax is no builtin.
    z = logits - tf.stop_gradient(tf.reduce_max(logits, 1, keepdims=True))
    chances = z - tf.math.log(tf.reduce_sum(tf.exp(z), 1, keepdims=True))
    loss = -tf.reduce_sum(tf.one_hot(label, logits.shape[1]) * chances, 1)
    right = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), label)
    return loss, tf.cast(right, tf.float32)


def _weight(value: Any, kind: Layer, part: str, takes_pixels: bool) -> Weight:
    if part == "bias":
        return Weight(value)
    matrix = value.reshape(-1, value.shape[-1])
    relu = not isinstance(kind, Dense) or kind.relu
    spread = float(np.sqrt((2 if relu else 1) / len(matrix)))  # He et al., ICCV 2015
    scale = PIXEL_SCALE if takes_pixels else 1.0
    return Weight((matrix / np.float32(scale)).astype(np.float32), spread, scale)


def _frozen(layers: list[tuple[str, Layer]], weights: Weights, x: Any) -> Any:
    for name, layer in layers:
        assert isinstance(layer, Conv)
        x = tf.nn.conv2d(x, weights[f"{name}/kernel"], layer.stride, layer.padding)
        x = tf.nn.relu(x + weights[f"{name}/bias"])
    return x


def _learning(layers: list[tuple[str, Layer]], values: Tensors, x: Any) -> Any:
    place = 0
    while place < len(layers):
        name, layer = layers[place]
        place += 1
        if isinstance(layer, Dropout):
            continue
        kernel, bias = values[f"{name}_kernel"], values[f"{name}_bias"]
        if isinstance(layer, Dense):
            x = tf.matmul(tf.reshape(x, [x.shape[0], -1]), kernel) + bias
            x = tf.maximum(x, 0.0) if layer.relu else x
        elif place < len(layers) and isinstance(layers[place][1], MaxPool):
            assert isinstance(layer, Conv)
            x = _pooled(layer, kernel, bias, x)
            place += 1
        else:
            assert isinstance(layer, Conv)
            x = _strided(layer, kernel, bias, x)
    return x


def _pooled(layer: Conv, kernel: Any, bias: Any, x: Any) -> Any:
    """A convolution, relu and the largest of each 2x2 pixels.

    The four pixels that are pooled are computed as four images of half the side. So bias and
    relu, which change no order, work on what is left of them, a quarter.
    """
    batch, height, width, channels = x.shape
    size = layer.size
    rows, columns = (height - size + 1) // 2, (width - size + 1) // 2
    parts = _every_other(x)

    def pixels(down: int, right: int) -> Any:
        part = parts[down % 2][right % 2]
        return tf.slice(part, [0, down // 2, right // 2, 0], [batch, rows, columns, channels])

    seen = [[pixels(down, right) for right in range(size + 1)] for down in range(size + 1)]
    largest = None
    for down in (0, 1):
        for right in (0, 1):
            patch = [seen[down + y][right + x] for y in range(size) for x in range(size)]
            flat = tf.reshape(tf.concat(patch, 3), [batch * rows * columns, -1])
            said = tf.matmul(flat, kernel)
            largest = said if largest is None else tf.maximum(largest, said)
    return tf.reshape(tf.maximum(largest + bias, 0.0), [batch, rows, columns, layer.channels])


def _every_other(x: Any) -> list[list[Any]]:
    """The even and odd rows of images [n, h, w, c], and of each the even and odd columns. (The
    gradient of a slice with strides is no builtin.)"""
    batch, height, width, channels = x.shape
    if height % 2 or width % 2:
        x = tf.pad(x, [[0, 0], [0, height % 2], [0, width % 2], [0, 0]])
        height, width = height + height % 2, width + width % 2
    pairs = tf.reshape(x, [batch * height // 2, 2, width // 2, 2 * channels])
    rows = tf.unstack(pairs, axis=1)
    shape = [batch, height // 2, width // 2, 2, channels]
    return [tf.unstack(tf.reshape(row, shape), axis=3) for row in rows]


def _strided(layer: Conv, kernel: Any, bias: Any, x: Any) -> Any:
    """A convolution and relu, on images that do not learn."""
    batch, height, width, channels = x.shape
    size, stride = layer.size, layer.stride
    if layer.padding == "SAME":
        more = [max(size - (n % stride or stride), 0) for n in (height, width)]
        x = tf.pad(x, [[0, 0], *[[n // 2, n - n // 2] for n in more], [0, 0]])
        height, width = height + more[0], width + more[1]
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    patch = [
        tf.strided_slice(
            x,
            [0, down, right, 0],
            [batch, down + stride * (rows - 1) + 1, right + stride * (columns - 1) + 1, channels],
            [1, stride, stride, 1],
        )
        for down in range(size)
        for right in range(size)
    ]
    flat = tf.reshape(tf.concat(patch, 3), [batch * rows * columns, -1])
    said = tf.maximum(tf.matmul(flat, kernel) + bias, 0.0)
    return tf.reshape(said, [batch, rows, columns, layer.channels])
