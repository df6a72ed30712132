"""The style network: feed-forward, many styles, light enough for a Raspberry Pi.

A narrow autoencoder after Johnson et al. 2016 with conditional instance normalisation
(Dumoulin, Shlens, Kudlur 2017): the convolutions are common to all styles, each style has its
own scale and offset per channel, and style weights mix them. Strided convolutions down to a
quarter, residual blocks of depthwise-separable convolutions there and, wider, at an eighth
(broad strokes for few sums), and nearest-neighbour resizing before each widening convolution,
so there is no checkerboard. Each style also has a colour matrix by which the photo itself enters
before the last non-linearity: the network begins as the identity and learns what to change.

Smooth skies and walls give a convolution nothing to tell one place from the next, so a photo
comes in under soft noise (`tasks.style.noise`), along which strokes can differ. At its edges a
picture is continued: by its own surroundings or its reflection as a margin, which is cut off the
output and which the statistics of the normalisation do not see, and inside by repeating the
outermost pixels. Zeros there would tell the network where the edge is, and it painted bands along
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.tasks.style import noise
from pi_edge.tasks.style.stylist import BORDER

EPSILON = 1e-3
"""Added to a variance before the root, so that a channel that is all alike stays finite."""
CONTRAST = 1.0 / 64
"""Of pictures 0 to 255 for the network."""
REDUCTION = 8
"""The deepest blocks work at an eighth of the picture's height and width."""
MARGIN = BORDER
"""Pixels of reflection around a picture, in training as on the device; a multiple of REDUCTION."""


@dataclass(frozen=True)
class Shape:
    """What the network is made of.

    Attributes:
        styles: how many.
        half, quarter, eighth: channels at that part of the picture's height and width.
        before, deep, after: residual blocks at a quarter, then at an eighth, then at a quarter.
    """

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


Arrays = dict[str, NDArray[np.float32]]
Weights = Mapping[str, Any]
"""Arrays or TensorFlow's variables, by layer: stem/kernel, deep0a/pointwise, up/scale, ..."""
Larger = Callable[[tf.Tensor], tf.Tensor]
Layer = Callable[[tf.Tensor, str, int, int], tf.Tensor]
"""Picture, name, reduction and stride to a picture."""

PER_STYLE = ("/scale", "/offset", "tint/matrix")
"""Endings of the names of what each style has a row of; all else is the trunk."""


def init(shape: Shape, seed: int = 0) -> Arrays:
    """Fresh weights: He-normal kernels, scales of one, offsets of zero, colours as they are."""
    rng = np.random.default_rng(seed)
    weights: Arrays = {}

    def kernel(name: str, *size: int, gain: float = 2.0, fan: int = 0) -> None:
        fan = fan or int(np.prod(size[:-1]))
        weights[name] = rng.normal(0.0, np.sqrt(gain / fan), size).astype(np.float32)

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
    identity = np.eye(3, dtype=np.float32).reshape(1, 9)
    weights["tint/matrix"] = np.tile(identity, [shape.styles, 1])
    weights["tint/offset"] = np.zeros([shape.styles, 3], np.float32)
    for layer, channels in shape.normalised():
        weights[f"{layer}/scale"] = np.ones([shape.styles, channels], np.float32)
        weights[f"{layer}/offset"] = np.zeros([shape.styles, channels], np.float32)
    return weights


def is_per_style(name: str) -> bool:
    """Say whether a weight has a row for each style."""
    return name.endswith(PER_STYLE)


def convolve(x: tf.Tensor, weights: Weights, layer: str, stride: int = 1) -> tf.Tensor:
    """One layer on x [B, H, W, C]: a convolution, or a depthwise and a 1x1 if it is separable."""
    separable = f"{layer}/pointwise" in weights
    kernel = weights[f"{layer}/depthwise" if separable else f"{layer}/kernel"]
    if kernel.shape[0] > 1:
        x = edge_repeated(x, after=stride == 1)
    if separable:
        x = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "VALID")
        return tf.nn.conv2d(x, weights[f"{layer}/pointwise"], 1, "VALID")
    return tf.nn.conv2d(x, kernel, stride, "VALID")


def edge_repeated(x: tf.Tensor, after: bool) -> tf.Tensor:
    """x [B, H, W, C] with its outermost pixels once more: above and left, and `after` it too.

    With a stride never after it, so that a kernel's middle lies on the same pixels however the
    picture is cut into tiles.
    """
    x = tf.concat([x[:, :1], x, x[:, -1:]] if after else [x[:, :1], x], 1)
    return tf.concat([x[:, :, :1], x, x[:, :, -1:]] if after else [x[:, :, :1], x], 2)


def body(x: tf.Tensor, shape: Shape, layer: Layer, larger: Larger) -> tf.Tensor:
    """Everything between centred picture and last layer: [B, H, W, 3] to [B, H/2, W/2, half]."""

    def blocks(x: tf.Tensor, stage: str, count: int, reduction: int) -> tf.Tensor:
        for name in (f"{stage}{block}" for block in range(count)):
            y = tf.nn.relu(layer(x, f"{name}a", reduction, 1))
            x = x + layer(y, f"{name}b", reduction, 1)
        return x

    x = tf.nn.relu(layer(x, "stem", 2, 2))
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


def statistics(x: tf.Tensor, margin: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and variance [B, C] of x [B, H, W, C] inside the margin."""
    if margin:
        x = x[:, margin:-margin, margin:-margin]
    mean, variance = tf.nn.moments(x, [1, 2])
    return mean, variance


def forward(
    weights: Weights, shape: Shape, pictures: tf.Tensor, styles: tf.Tensor, margin: int = MARGIN
) -> tf.Tensor:
    """Styled pictures [B, H, W, 3] (0 to 255) of pictures [B, H, W, 3], noise and all.

    Args:
        styles: [B, N] weights of the styles.
        margin: pixels on every side that the statistics of the normalisation do not see. They
            stay on the result, where they are of no use.

    Height and width are multiples of REDUCTION, and known when the graph is made.
    """

    def layer(x: tf.Tensor, name: str, reduction: int, stride: int) -> tf.Tensor:
        x = convolve(x, weights, name, stride)
        if name == "narrow":
            return x
        mean, variance = statistics(x, margin // reduction)
        scale = tf.matmul(styles, weights[f"{name}/scale"]) * tf.math.rsqrt(variance + EPSILON)
        shift = tf.matmul(styles, weights[f"{name}/offset"]) - mean * scale
        return x * scale[:, None, None] + shift[:, None, None]

    x = double(body(centred(pictures), shape, layer, double))
    x = tf.nn.conv2d(x, weights["out/kernel"], 1, "SAME")  # spoils one pixel of the margin
    matrix = tf.reshape(tf.matmul(styles, weights["tint/matrix"]), [-1, 3, 3])
    offset = tf.matmul(styles, weights["tint/offset"])
    x = x + tf.einsum("bhwc,bcd->bhwd", centred(pictures), matrix) + offset[:, None, None]
    return tf.nn.sigmoid(x) * 255.0


def stylise(
    weights: Weights, shape: Shape, photo: NDArray[np.uint8], style: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A photo [H, W, 3] in a style or mix of styles [N]: [H, W, 3], 0 to 255."""
    height, width = photo.shape[:2]
    padded = reflected(photo).astype(np.float32)
    rows, columns = (np.arange(length) - MARGIN for length in padded.shape[:2])
    seeded = tf.constant((padded + noise.at(rows, columns)[..., None])[None])
    styled = forward(weights, shape, seeded, tf.constant(style[None]))
    inside = styled[0, MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    return inside.numpy()  # type: ignore[no-any-return]


def centred(pictures: tf.Tensor) -> tf.Tensor:
    """Pictures 0 to 255 as the network takes them, -2 to 2."""
    return pictures * CONTRAST - 2.0


def widening_kernel(kernel: NDArray[Any]) -> NDArray[Any]:
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


def reflected(picture: NDArray[Any], margin: int = MARGIN) -> NDArray[Any]:
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
    return sum(int(np.prod(value.shape)) for value in weights.values())


def one_hot(indices: NDArray[np.int64], styles: int) -> NDArray[np.float32]:
    """[B, N] style weights that choose one style each."""
    return np.eye(styles, dtype=np.float32)[indices]
