"""The VGG16 features that style losses compare (Simonyan and Zisserman 2015; Gatys et al. 2015).

Like the original Caffe network it wants blue, green, red minus the mean of ImageNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

from pi_edge.desktop.style import backbone
from pi_edge.errors import BadInput

MEAN_BGR = (104.00699, 116.66877, 122.67892)
BLOCKS = {1: 2, 2: 2, 3: 3, 4: 3}
"""Convolutions in each block, as far as the losses look."""
CONTENT = "relu3_3"
STYLE = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


class Vgg16:
    """VGG16 up to relu4_3, as a function of pictures."""

    def __init__(self, path: Path | None = None, dtype: tf.DType = tf.float32) -> None:
        """Read the weights.

        Args:
            path: the .h5 file; found or fetched without it.
            dtype: what is computed in. bfloat16 halves the time where the processor has it.

        Raises:
            NotFound: there are no weights and none could be fetched.
            BadInput: the file holds something else.
        """
        path = path or backbone.find()
        self.dtype = dtype
        self.layers: list[tuple[str, tf.Tensor, tf.Tensor]] = []
        try:
            with h5py.File(path) as file:
                for block, count in BLOCKS.items():
                    for index in range(count):
                        name = "conv2d" if index == 0 else f"conv2d_{index}"
                        kernel, bias = (
                            tf.constant(
                                np.asarray(file[f"block{block}/layers/{name}/vars/{which}"])
                            )
                            for which in (0, 1)
                        )
                        self.layers.append(
                            (
                                f"relu{block}_{index + 1}",
                                tf.cast(kernel, dtype),
                                tf.cast(bias, dtype),
                            )
                        )
        except (OSError, KeyError) as error:
            raise BadInput(f"{path} does not hold VGG16 ({error}): remove it") from None

    def __call__(self, pictures: tf.Tensor, wanted: Sequence[str]) -> dict[str, tf.Tensor]:
        """Features of pictures [B, H, W, 3] (RGB, 0 to 255): layer to [B, h, w, C] float32.

        Nothing behind the last of the layers `wanted` is computed.
        """
        x = tf.cast(pictures[..., ::-1] - tf.constant(MEAN_BGR), self.dtype)
        found: dict[str, tf.Tensor] = {}
        for name, kernel, bias in self.layers:
            if name.endswith("_1") and name != "relu1_1":
                x = tf.nn.max_pool2d(x, 2, 2, "SAME")
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "SAME"), bias))
            if name in wanted:
                found[name] = tf.cast(x, tf.float32)
                if len(found) == len(wanted):
                    break
        return found


def quickest_dtype() -> tf.DType:
    """What VGG16's features are computed in fastest on this processor.

    Gradients through bfloat16 point the same way (cosine 0.997), in 0.6 of the time where there
    are instructions for it; elsewhere it is emulated, and slow.
    """
    try:
        known = "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        known = False
    return tf.bfloat16 if known else tf.float32


def gram(features: tf.Tensor) -> tf.Tensor:
    """Gram matrices [B, C, C] of features [B, H, W, C]: mean over positions of outer products."""
    shape = tf.shape(features)
    flat = tf.reshape(features, [shape[0], shape[1] * shape[2], features.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(shape[1] * shape[2], tf.float32)
