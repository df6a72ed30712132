"""From the style network's weights to a .tflite file with three graphs, and its folding plan."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.style import graphs, network
from pi_edge.quiet import quiet
from pi_edge.tasks.style.stylist import BORDER

VARIANTS = ("float32", "float16")
SIDE = 256  # of the photo that the whole graph takes unless it is resized


def convert(weights: graphs.Arrays, shape: network.Shape, variant: str) -> bytes:
    """The file: signatures serving_default, statistics and tile.

    The converter orders them by name, and the runtimes take the first as the one meant."""
    weights, side = graphs.on_pixels(weights), SIDE + 2 * BORDER
    photo, windows, padded = (
        tf.TensorSpec([batch, length, length, 3], tf.float32, name="photo")
        for batch, length in ((None, SIDE), (None, side), (1, side))
    )
    style = tf.TensorSpec([None, shape.styles], tf.float32, name="style")

    def whole(photo: tf.Tensor, style: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"picture": graphs.whole(weights, shape, photo, style, network.MARGIN)}

    def modulation(photo: tf.Tensor, style: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"modulation": graphs.styled(weights, shape, photo, style, BORDER, together=True)[1]}

    def tile(photo: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"picture": graphs.tile(weights, shape, photo)}

    module = tf.Module()
    module.serving_default = tf.function(whole, autograph=False, input_signature=[photo, style])
    module.statistics = tf.function(modulation, autograph=False, input_signature=[windows, style])
    module.tile = tf.function(tile, autograph=False, input_signature=[padded])
    keys = ["serving_default", "statistics", "tile"]
    with quiet(), tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures={key: getattr(module, key) for key in keys})
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=keys)
        if variant == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()  # type: ignore[no-any-return]


def plan(
    contents: bytes, weights: graphs.Arrays, shape: network.Shape, dtype: str
) -> dict[str, Any]:
    """Where in a file the constants of the tile graph lie, as `tasks.style.folding` reads it."""
    weights = graphs.on_pixels(weights)

    def place(constant: NDArray[np.float32], what: str) -> int:
        # TFLite's kernels are [outputs, height, width, inputs].
        stored = np.moveaxis(constant, -1, 0) if constant.ndim == 4 else constant
        wanted = np.ascontiguousarray(stored, dtype).tobytes()
        found = contents.find(wanted)
        if found < 0 or contents.find(wanted, found + 1) >= 0:
            raise ValueError(f"the file does not hold {what} exactly once")
        return found

    layers = []
    for name, channels in shape.normalised():
        separable = f"{name}/pointwise" in weights
        kernel = weights[f"{name}/pointwise" if separable else f"{name}/kernel"]
        bias = place(graphs.marker(name, (channels,)), f"{name}'s bias")
        layers.append([place(kernel, f"{name}'s kernel"), bias, channels, kernel.size // channels])
    return {
        "dtype": dtype,
        "layers": layers,
        "matrix": place(graphs.marker("tint/matrix", (2, 2, 3, 12)), "the colour matrix"),
        "offset": place(graphs.marker("tint/offset", (12,)), "the colours' offsets"),
    }
