"""The style network: feed-forward, many styles, light enough for a Raspberry Pi.

A narrow autoencoder after Johnson et al. 2016 with conditional instance normalisation
(Dumoulin, Shlens, Kudlur 2017): the convolutions are common to all styles, each style has its
own scale and offset per channel, and style weights mix them. Strided convolutions down to a
quarter, residual blocks of depthwise-separable convolutions there and, wider, at an eighth
(broad strokes for few sums), and nearest-neighbour resizing before each widening convolution,
so there is no checkerboard. Each style also has a colour matrix by which the photo itself enters
before the last non-linearity: the network begins as the identity and learns what to change.

Every convolution pads with zeros, which spoils a band at the picture's edge: so a picture comes
in with a margin (its own surroundings, or its reflection) that is cut off the output, and that
the statistics of the normalisation do not see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import tensorflow as tf

EPSILON = 1e-3
REDUCTION = 8  # the deepest blocks work at an eighth of the picture's height and width
MARGIN = 32  # pixels around a picture, a multiple of REDUCTION; see `margin effect` in evaluate


@dataclass(frozen=True)
class Shape:
    """What the network is made of: channels at half, quarter and eighth of the picture's size,
    residual blocks at a quarter before, at an eighth, at a quarter after, and styles."""

    styles: int = 5
    half: int = 24
    quarter: int = 64
    eighth: int = 128
    before: int = 1
    deep: int = 4
    after: int = 2

    def normalised(self) -> list[tuple[str, int]]:
        """(layer, channels) of every normalised layer, in the order of computation."""
        layers = [("stem", self.half), ("down", self.quarter)]
        layers += [(name, self.quarter) for name in self.block_names("before", self.before)]
        layers += [("deeper", self.eighth)]
        layers += [(name, self.eighth) for name in self.block_names("deep", self.deep)]
        layers += [("back", self.quarter)]
        layers += [(name, self.quarter) for name in self.block_names("after", self.after)]
        return [*layers, ("up", self.half)]

    @staticmethod
    def block_names(stage: str, blocks: int) -> list[str]:
        """Names of the layers in a stage's residual blocks, two each."""
        return [f"{stage}{block}{half}" for block in range(blocks) for half in "ab"]


Weights = dict[str, tf.Variable]
Kernels = dict[str, np.ndarray]
Larger = Callable[[tf.Tensor], tf.Tensor]
Layer = Callable[[tf.Tensor, str, int, int], tf.Tensor]  # picture, name, reduction, stride


def init(shape: Shape, seed: int = 0) -> Weights:
    """Fresh weights: He-normal kernels, scales of one, offsets of zero."""
    rng = np.random.default_rng(seed)
    weights: Weights = {}

    def kernel(name: str, *size: int, gain: float = 2.0, fan: int = 0) -> None:
        fan = fan or int(np.prod(size[:-1]))
        value = rng.normal(0.0, np.sqrt(gain / fan), size).astype(np.float32)
        weights[name] = tf.Variable(value, name=name.replace("/", "_"))

    def separable(name: str, inputs: int, outputs: int) -> None:
        kernel(f"{name}/depthwise", 3, 3, inputs, 1, gain=1.0, fan=9)
        kernel(f"{name}/pointwise", 1, 1, inputs, outputs)

    kernel("stem/kernel", 3, 3, 3, shape.half)
    kernel("down/kernel", 3, 3, shape.half, shape.quarter)
    for name in shape.block_names("before", shape.before):
        separable(name, shape.quarter, shape.quarter)
    separable("deeper", shape.quarter, shape.eighth)
    for name in shape.block_names("deep", shape.deep):
        separable(name, shape.eighth, shape.eighth)
    kernel("back/kernel", 1, 1, shape.eighth, shape.quarter)
    for name in shape.block_names("after", shape.after):
        separable(name, shape.quarter, shape.quarter)
    kernel("narrow/kernel", 1, 1, shape.quarter, shape.half, gain=1.0)
    separable("up", shape.half, shape.half)
    kernel("out/kernel", 3, 3, shape.half, 3, gain=0.02)
    identity = np.tile(np.eye(3, dtype=np.float32).reshape(1, 9), [shape.styles, 1])
    weights["tint/matrix"] = tf.Variable(identity)
    weights["tint/offset"] = tf.Variable(tf.zeros([shape.styles, 3]))
    for layer, channels in shape.normalised():
        weights[f"{layer}/scale"] = tf.Variable(tf.ones([shape.styles, channels]))
        weights[f"{layer}/offset"] = tf.Variable(tf.zeros([shape.styles, channels]))
    return weights


def _convolve(x: tf.Tensor, weights: Weights | Kernels, layer: str, stride: int = 1) -> tf.Tensor:
    if stride == 1:
        padding = "SAME"
    else:
        # Above and left only, so that a kernel's middle lies on the same pixels however the
        # picture is cut into tiles ("SAME" chooses the side by the size).
        padding = "VALID"
        x = tf.pad(x, [[0, 0], [1, 0], [1, 0], [0, 0]])
    if f"{layer}/pointwise" in weights:
        x = tf.nn.depthwise_conv2d(
            x, weights[f"{layer}/depthwise"], [1, stride, stride, 1], padding
        )
        return tf.nn.conv2d(x, weights[f"{layer}/pointwise"], 1, "VALID")
    return tf.nn.conv2d(x, weights[f"{layer}/kernel"], stride, padding)


def _body(x: tf.Tensor, shape: Shape, layer: Layer, larger: Larger) -> tf.Tensor:
    """Everything between picture and last layer: [B, H, W, 3] to [B, H/2, W/2, half]."""

    def blocks(x: tf.Tensor, stage: str, count: int, reduction: int) -> tf.Tensor:
        for name in (f"{stage}{block}" for block in range(count)):
            y = tf.nn.relu(layer(x, f"{name}a", reduction, 1))
            x = x + layer(y, f"{name}b", reduction, 1)
        return x

    x = tf.nn.relu(layer(centred(x), "stem", 2, 2))
    x = tf.nn.relu(layer(x, "down", 4, 2))
    x = blocks(x, "before", shape.before, 4)
    y = tf.nn.relu(layer(x, "deeper", 8, 2))
    y = blocks(y, "deep", shape.deep, 8)
    x = x + larger(layer(y, "back", 8, 1))
    x = blocks(x, "after", shape.after, 4)
    return tf.nn.relu(layer(larger(layer(x, "narrow", 4, 1)), "up", 2, 1))


def double(x: tf.Tensor) -> tf.Tensor:
    """Pictures [B, H, W, C] at twice the height and width, every pixel four times.

    By broadcasting, whose gradient is a sum: in training three times faster than resizing's.
    """
    batch, height, width, channels = x.shape
    x = tf.broadcast_to(x[:, :, None, :, None], [batch, height, 2, width, 2, channels])
    return tf.reshape(x, [batch, 2 * height, 2 * width, channels])


def _resized(x: tf.Tensor) -> tf.Tensor:
    """The same as one operation, which TFLite knows."""
    return tf.compat.v1.image.resize_nearest_neighbor(x, [2 * x.shape[1], 2 * x.shape[2]])


def statistics(x: tf.Tensor, margin: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance [B, C] of x [B, H, W, C] inside the margin."""
    if margin:
        x = x[:, margin:-margin, margin:-margin]
    mean, variance = tf.nn.moments(x, [1, 2])
    return mean, variance


def forward(
    weights: Weights, shape: Shape, pictures: tf.Tensor, styles: tf.Tensor, margin: int = MARGIN
) -> tuple[tf.Tensor, tf.Tensor]:
    """Styled pictures [B, H, W, 3] (0 to 255) of pictures [B, H, W, 3], and the modulation used.

    styles: [B, N] weights of the styles. The normalisation's statistics are taken from the
    pictures themselves, inside the margin (pixels on every side, cut off neither input nor
    output here). Height and width are multiples of REDUCTION.
    The modulation is [B, M]: the scales and shifts of every normalised channel, then the colour
    matrix's nine and its three offsets, for `fold`.
    """
    used: list[tf.Tensor] = []

    def layer(x: tf.Tensor, name: str, reduction: int, stride: int) -> tf.Tensor:
        x = _convolve(x, weights, name, stride)
        if name == "narrow":
            return x
        mean, variance = statistics(x, margin // reduction)
        scale = tf.matmul(styles, weights[f"{name}/scale"]) * tf.math.rsqrt(variance + EPSILON)
        shift = tf.matmul(styles, weights[f"{name}/offset"]) - mean * scale
        used.extend([scale, shift])
        return x * scale[:, None, None] + shift[:, None, None]

    x = double(_body(pictures, shape, layer, double))
    x = tf.nn.conv2d(x, weights["out/kernel"], 1, "SAME")
    matrix = tf.matmul(styles, weights["tint/matrix"])
    offset = tf.matmul(styles, weights["tint/offset"])
    tint = tf.einsum("bhwc,bcd->bhwd", centred(pictures), tf.reshape(matrix, [-1, 3, 3]))
    x = x + tint + offset[:, None, None]
    return tf.nn.sigmoid(x) * 255.0, tf.concat([*used, matrix, offset], 1)


def centred(pictures: tf.Tensor) -> tf.Tensor:
    """Pictures 0 to 255 as the network takes them, -2 to 2."""
    return pictures * (1.0 / 64) - 2.0


def fold(weights: dict[str, np.ndarray], shape: Shape, modulation: np.ndarray) -> Kernels:
    """The network for one picture's modulation [M]: kernels scaled, shifts as biases.

    A tile then needs convolutions only, no normalisation: on a small machine, where passes over
    memory cost as much as sums, that is about a third faster. Works on a style mix too, since
    the modulation is mixed already.
    """
    folded = {"narrow/kernel": np.asarray(weights["narrow/kernel"])}
    taken = 0
    for layer, channels in shape.normalised():
        scale, shift = modulation[taken : taken + 2 * channels].reshape(2, channels)
        taken += 2 * channels
        depthwise = f"{layer}/depthwise" in weights
        name = f"{layer}/pointwise" if depthwise else f"{layer}/kernel"
        if depthwise:
            folded[f"{layer}/depthwise"] = np.asarray(weights[f"{layer}/depthwise"])
        folded[name] = np.asarray(weights[name]) * scale
        folded[f"{layer}/bias"] = shift
    folded["out/kernel"] = widening_kernel(np.asarray(weights["out/kernel"]))
    matrix, offset = modulation[taken : taken + 9].reshape(3, 3), modulation[taken + 9 :]
    # Two by two pixels of three colours in, the same as twelve channels out.
    tint = np.zeros((2, 2, 3, 2, 2, 3), np.float32)
    for i, j in np.ndindex(2, 2):
        tint[i, j, :, i, j] = matrix / 64
    folded["tint/kernel"] = tint.reshape(2, 2, 3, 12)
    folded["tint/bias"] = np.tile(offset - 2.0 * matrix.sum(0), 4)
    return folded


def forward_folded(kernels: Kernels, shape: Shape, pictures: tf.Tensor) -> tf.Tensor:
    """Styled pictures [B, H, W, 3] (0 to 255) by a folded network: what `forward` gives.

    The last layer is computed as depth-to-space of a convolution at half size, the same sums
    rearranged.
    """

    def layer(x: tf.Tensor, name: str, _reduction: int, stride: int) -> tf.Tensor:
        x = _convolve(x, kernels, name, stride)
        return x if name == "narrow" else x + kernels[f"{name}/bias"]

    x = tf.nn.conv2d(_body(pictures, shape, layer, _resized), kernels["out/kernel"], 1, "SAME")
    x = x + (tf.nn.conv2d(pictures, kernels["tint/kernel"], 2, "VALID") + kernels["tint/bias"])
    return tf.nn.depth_to_space(tf.nn.sigmoid(x) * 255.0, 2)


def widening_kernel(kernel: np.ndarray) -> np.ndarray:
    """The kernel [3, 3, C, 4 D] whose convolution, then depth-to-space by 2, equals doubling the
    picture and convolving it with kernel [3, 3, C, D].

    Output pixel 2i+p sees doubled pixels 2i+p-1 to 2i+p+1, so small pixels
    i + (p + t - 1) // 2 for the taps t.
    """
    depth = kernel.shape[-1]
    wide = np.zeros((*kernel.shape[:3], 4 * depth), kernel.dtype)
    for phase, (p, q) in enumerate(np.ndindex(2, 2)):
        for t, u in np.ndindex(3, 3):
            i, j = (p + t - 1) // 2 + 1, (q + u - 1) // 2 + 1
            wide[i, j, :, phase * depth : (phase + 1) * depth] += kernel[t, u]
    return wide


def reflected(picture: np.ndarray, margin: int = MARGIN) -> np.ndarray:
    """Picture [H, W, 3] with its reflection around it: margin pixels, and below and right as
    many more as make height and width multiples of REDUCTION."""
    extra = [-length % REDUCTION for length in picture.shape[:2]]
    pads = [(margin, margin + more) for more in extra]
    return np.pad(picture, [*pads, (0, 0)], mode="symmetric")


def describe(shape: Shape) -> dict[str, int | bool]:
    """The shape as plain values, for a checkpoint's or model.json's sake."""
    return asdict(shape)


def count(weights: Weights) -> int:
    """How many weights there are."""
    return sum(int(np.prod(w.shape)) for w in weights.values())


def one_hot(indices: Sequence[int], styles: int) -> np.ndarray:
    """[B, N] style weights that choose one style each."""
    return np.eye(styles, dtype=np.float32)[list(indices)]
