"""The style network as TFLite graphs: whole, its statistics alone, and one tile of a large picture.

None has a size built in (doubling is a concatenation and a depth-to-space, margins are slices
that count from both ends), so that the interpreter can resize each to any multiple of
`network.REDUCTION`; and all of it but the mirroring runs in XNNPACK.

Inside, all repeat the edge as training does. With zeros there instead the statistics of a reduced
photo with 32 pixels around it changed pictures to 28 dB, with the edge repeated to no less than
40; and tiles with margins of 48 pixels were 29 to 51 dB from the picture untiled instead of 41 to
62, for a ninth less time.

Pixels come as they are: centring them is a factor, which is in the first kernel here
(`on_pixels`), and a constant, which the normalisation after it takes out again.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.style import network

Arrays = dict[str, NDArray[np.float32]]


def on_pixels(weights: Arrays) -> Arrays:
    """Weights for pixels of 0 to 255 that nobody has centred."""
    return {**weights, "stem/kernel": weights["stem/kernel"] * np.float32(network.CONTRAST)}


def larger(x: tf.Tensor) -> tf.Tensor:
    """x [B, H, W, C] at twice the height and width, every pixel four times."""
    return tf.nn.depth_to_space(tf.concat([x, x, x, x], 3), 2)


def table(weights: Arrays, shape: network.Shape) -> NDArray[np.float32]:
    """What each style asks for [styles, M]: scale and offset of every normalised layer in the
    order of computation, then colour matrix and offset."""
    parts = [
        weights[f"{layer}/{what}"]
        for layer, _ in shape.normalised()
        for what in ("scale", "offset")
    ]
    return np.concatenate([*parts, weights["tint/matrix"], weights["tint/offset"]], 1)


def styled(
    weights: Arrays,
    shape: network.Shape,
    photo: tf.Tensor,
    style: tf.Tensor,
    margin: int,
    together: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Picture [B, H, W, 3] and modulation [B, M] of a photo [B, H, W, 3] that has a margin.

    The statistics of the normalisation are taken inside the margin, which stays on; of all
    photos `together`, as windows on a single one, the modulation is [1, M].
    """
    axes = [0, 1, 2] if together else [1, 2]
    asked = tf.matmul(style, table(weights, shape))
    used: list[tf.Tensor] = []
    taken = 0

    def take(count: int) -> tf.Tensor:
        nonlocal taken
        taken += count
        return asked[:, taken - count : taken]

    def layer(x: tf.Tensor, name: str, reduction: int, _stride: int) -> tf.Tensor:
        x = network.convolve(x, weights, name, _stride)
        if name == "narrow":
            return x
        channels = x.shape[-1]
        inner = inside(x, margin // reduction)
        mean = tf.reduce_mean(inner, axes, keepdims=True)
        off = inner - mean
        variance = tf.reduce_mean(off * off, axes, keepdims=True)
        wanted, offset = take(channels), take(channels)
        scale = wanted[:, None, None] * tf.math.rsqrt(variance + network.EPSILON)
        shift = offset[:, None, None] - mean * scale
        used.extend([tf.reshape(scale, [-1, channels]), tf.reshape(shift, [-1, channels])])
        return x * scale + shift

    x = network.body(photo, shape, layer, larger)
    x = tf.nn.conv2d(x, network.widening_kernel(weights["out/kernel"]), 1, "SAME")
    tint = tf.matmul(network.centred(photo)[:, :, :, :], tf.reshape(take(9), [-1, 1, 3, 3]))
    x = tf.nn.depth_to_space(x, 2) + tint + take(3)[:, None, None]
    return tf.nn.sigmoid(x) * 255.0, tf.concat([*used, asked[:, -12:]], 1)


def inside(x: tf.Tensor, margin: int) -> tf.Tensor:
    """x [B, H, W, C] without its margin."""
    return x[:, margin:-margin, margin:-margin] if margin else x


def whole(
    weights: Arrays, shape: network.Shape, photo: tf.Tensor, style: tf.Tensor, margin: int
) -> tf.Tensor:
    """Picture [B, H, W, 3] of a photo [B, H, W, 3] as it is: mirrored and cut in the graph."""
    pads = [[0, 0], [margin, margin], [margin, margin], [0, 0]]
    picture, _ = styled(weights, shape, tf.pad(photo, pads, "SYMMETRIC"), style, margin)
    return inside(picture, margin)


def tile(weights: Arrays, shape: network.Shape, photo: tf.Tensor) -> tf.Tensor:
    """Picture [B, H, W, 3] of one tile [B, H, W, 3] of a photo: convolutions, ReLU and sums only.

    To be folded on the device, where the statistics are known: kernels are as in the other
    graphs, so that a file with all of them holds each once, and `marker` stands for what will
    be filled in: every bias, and the colour matrix as a convolution by pixel blocks.
    """
    channels = dict(shape.normalised())

    def layer(x: tf.Tensor, name: str, _reduction: int, stride: int) -> tf.Tensor:
        x = network.convolve(x, weights, name, stride)
        return x if name == "narrow" else x + marker(name, (channels[name],))

    x = network.body(photo, shape, layer, larger)
    x = tf.nn.conv2d(x, network.widening_kernel(weights["out/kernel"]), 1, "SAME")
    tint = tf.nn.conv2d(photo, marker("tint/matrix", (2, 2, 3, 12)), 2, "VALID")
    x = x + (tint + marker("tint/offset", (12,)))
    return tf.nn.depth_to_space(tf.nn.sigmoid(x) * 255.0, 2)


def marker(name: str, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers by which the place of a constant is found in a file again."""
    seed = list(name.encode())
    return np.random.default_rng(seed).normal(0, 1, size).astype(np.float32)
