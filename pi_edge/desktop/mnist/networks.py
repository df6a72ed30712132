"""The four networks, layer by layer, and what they compute.

A network is a tuple of layers; its weights are a dictionary of float32 arrays named
`layer/part`. Convolutions are NHWC with kernels [height, width, in, out]. `logits`
computes for training, `probabilities` for everything after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]
Shape = tuple[int, ...]

EPSILON = 1e-3
"""Added to a variance before its root is taken, so that a dead channel does not explode."""


PIXEL_SCALE = 1 / 255
"""Networks learn on pixels from 0 to 1; what is shipped takes 0 to 255."""


@dataclass(frozen=True)
class Conv:
    """A square convolution with relu; with `norm`, batch normalisation stands between them."""

    size: int
    channels: int
    stride: int = 1
    padding: str = "VALID"
    norm: bool = False


@dataclass(frozen=True)
class MaxPool:
    """The largest of each 2x2 pixels; an odd last row or column falls away."""


@dataclass(frozen=True)
class Dropout:
    """While training, sets this part of the values to zero and scales the rest up."""

    rate: float


@dataclass(frozen=True)
class Dense:
    """Every value to every unit."""

    units: int
    relu: bool = False


Layer = Conv | MaxPool | Dropout | Dense


@dataclass(frozen=True)
class Phase:
    """Epochs over which the learning rate warms up and then falls to zero as a cosine does."""

    epochs: int
    learning_rate: float
    warm_up_steps: int = 500
    augment: float = 0.0
    """How strongly images are distorted: 1 as another hand would, 0 not at all."""
    sharp: bool = False
    """Distort without blurring, at four times the cost."""
    falling: bool = True
    """Without, the rate stays, and the average of the weights does the settling."""
    averaging: float = 0.999
    """Decay of the running average of the weights, which is what is measured and shipped."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: Adam, in one or more phases."""

    phases: tuple[Phase, ...]
    batch: int = 64
    weight_decay: float = 0.0

    @property
    def epochs(self) -> int:
        return sum(phase.epochs for phase in self.phases)


@dataclass(frozen=True)
class Network:
    """A model that `pi-edge train` knows."""

    name: str
    about: str
    layers: tuple[Layer, ...]
    recipe: Recipe


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            "mnist-linear",
            "one softmax layer, 784 to 10",
            (Dense(10),),
            Recipe((Phase(20, 1e-3),), batch=100),
        ),
        Network(
            "mnist-mlp",
            "784-32-10 with relu, the MLP of the Flux model zoo",
            (Dense(32, relu=True), Dense(10)),
            Recipe((Phase(30, 3e-3),), batch=100),
        ),
        Network(
            "mnist-flux-cnn",
            "two small convolutions and a dense layer, the CNN of the Flux model zoo",
            (Conv(2, 16), MaxPool(), Conv(2, 8), MaxPool(), Dense(10)),
            Recipe((Phase(30, 3e-3, augment=0.3),)),
        ),
        # Strided convolutions instead of pooling let the network learn its own
        # downsampling; five pixels wide so that no pixel is skipped.
        Network(
            "mnist-cnn",
            "six convolutions with batch normalisation, two of them strided, and a dense layer",
            (
                Conv(3, 32, norm=True),
                Conv(3, 32, norm=True),
                Conv(5, 32, stride=2, padding="SAME", norm=True),
                Conv(3, 64, norm=True),
                Conv(3, 64, norm=True),
                Conv(5, 64, stride=2, padding="SAME", norm=True),
                Dropout(0.4),
                Dense(10),
            ),
            # The second phase makes a good network used to sharp digits. Averaging over
            # two epochs at a constant rate, it does not learn the data's wrong labels by
            # heart, as it did when the rate fell once more.
            Recipe(
                (
                    Phase(40, 2e-3, augment=1.0),
                    Phase(5, 8e-4, augment=1.0, sharp=True, falling=False, averaging=0.9997),
                ),
                batch=32,
                weight_decay=0.01,
            ),
        ),
    )
}


def named(layers: tuple[Layer, ...]) -> Iterator[tuple[str, Layer]]:
    """Yield each layer with its name: its kind and its place, as in `conv3`."""
    for place, layer in enumerate(layers, start=1):
        yield f"{type(layer).__name__.lower()}{place}", layer


def initial_weights(layers: tuple[Layer, ...], random: np.random.Generator) -> Weights:
    """Draw weights to start from: normal, scaled by what flows in (He et al., ICCV 2015)."""
    weights: dict[str, Any] = {}
    shape: Shape = (28, 28, 1)
    for name, layer in named(layers):
        match layer:
            case Conv(size, channels, stride, padding, norm):
                inputs = size * size * shape[2]
                kernel = random.standard_normal((size, size, shape[2], channels))
                weights[f"{name}/kernel"] = kernel * np.sqrt(2 / inputs)
                if norm:
                    weights[f"{name}/gamma"] = np.ones(channels)
                weights[f"{name}/bias"] = np.zeros(channels)
                lost = 0 if padding == "SAME" else size - 1
                rows, columns = (-(-(side - lost) // stride) for side in shape[:2])
                shape = (rows, columns, channels)
            case MaxPool():
                shape = (shape[0] // 2, shape[1] // 2, shape[2])
            case Dense(units, relu):
                inputs = int(np.prod(shape))
                kernel = random.standard_normal((inputs, units))
                weights[f"{name}/kernel"] = kernel * np.sqrt((2 if relu else 1) / inputs)
                weights[f"{name}/bias"] = np.zeros(units)
                shape = (units,)
            case Dropout():
                pass
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}


def logits(
    layers: tuple[Layer, ...], weights: Mapping[str, Any], image: tf.Tensor, seed: tf.Tensor
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Compute a training batch.

    `image` is [n, 28, 28] float32, 0 to 255; `seed` is int32 [2] and decides what
    dropout drops. Returns logits [n, 10] and each normalised layer's mean and variance
    over this batch (Ioffe and Szegedy, ICML 2015).
    """
    statistics: dict[str, tf.Tensor] = {}
    x = tf.reshape(image, [-1, 28, 28, 1]) * PIXEL_SCALE
    for name, layer in named(layers):
        match layer:
            case Conv(_, _, stride, padding, norm):
                x = tf.nn.conv2d(x, weights[f"{name}/kernel"], stride, padding)
                if norm:
                    x, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                        x, weights[f"{name}/gamma"], weights[f"{name}/bias"], epsilon=EPSILON
                    )
                    statistics |= {f"{name}/mean": mean, f"{name}/variance": variance}
                else:
                    x += weights[f"{name}/bias"]
                x = tf.nn.relu(x)
            case MaxPool():
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            case Dropout(rate):
                kept = tf.random.stateless_uniform(tf.shape(x), seed) >= rate
                x = tf.where(kept, x / (1 - rate), 0.0)
            case Dense(_, relu):
                x = _flat(x) @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
                x = tf.nn.relu(x) if relu else x
    return x, statistics


def folded(layers: tuple[Layer, ...], weights: Weights) -> Weights:
    """Return kernels and biases with normalisation and pixel scaling multiplied into them.

    After training, batch normalisation is a fixed scale and shift per channel, and pixels
    from 0 to 255 instead of 0 to 1 are a smaller first kernel: nothing of it is left to
    compute on the Pi, and int8 takes the pixels exactly as they are.
    """
    plain: Weights = {}
    pixels = PIXEL_SCALE
    for name, layer in named(layers):
        if not isinstance(layer, Conv | Dense):
            continue
        kernel, bias = weights[f"{name}/kernel"] * np.float32(pixels), weights[f"{name}/bias"]
        pixels = 1.0
        if isinstance(layer, Conv) and layer.norm:
            variance = weights[f"{name}/variance"].astype(np.float64)
            scale = weights[f"{name}/gamma"] / np.sqrt(variance + EPSILON)
            kernel = (kernel * scale).astype(np.float32)
            bias = (bias - weights[f"{name}/mean"] * scale).astype(np.float32)
        plain |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    return plain


def probabilities(
    layers: tuple[Layer, ...], weights: Mapping[str, Any], image: tf.Tensor
) -> tf.Tensor:
    """Compute probabilities [n, 10] of images [n, 28, 28], 0 to 255, from folded weights."""
    x = tf.reshape(image, [-1, 28, 28, 1])
    for name, layer in named(layers):
        match layer:
            case Conv(_, _, stride, padding, _):
                x = tf.nn.conv2d(x, weights[f"{name}/kernel"], stride, padding)
                x = tf.nn.relu(x + weights[f"{name}/bias"])
            case MaxPool():
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            case Dense(_, relu):
                x = _flat(x) @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
                x = tf.nn.relu(x) if relu else x
            case Dropout():
                pass
    return tf.nn.softmax(x)


def _flat(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
