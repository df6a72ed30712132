"""From a TensorFlow function of prices to a .tflite file of one precision."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import runtime
from pi_edge.desktop import signature

VARIANTS = ("float32", "float16", "int8")

# What may become integer: layers whose inputs are standardised. Ratios, logarithms and prices
# may not: of the 256 steps between the lowest and the highest price none is left for a day's
# return, and a cheap price becomes zero.
INTEGER = ("FULLY_CONNECTED", "ELU", "RELU")

Graph = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def convert(graph: Graph, variant: str, examples: NDArray[np.float32]) -> bytes:
    """Return the graph as a .tflite file: float32, float16 or int8.

    All take `prices` float32 [-1, days, tickers]. float16 halves the weights; int8 computes the
    dense layers in integers (Jacob et al., CVPR 2018), with the ranges seen on the examples.

    Args:
        examples: prices [n, days, tickers].
    """
    shape = [None, *examples.shape[1:]]
    with signature.converter(graph, {"prices": shape}) as converter:
        if variant == "int8":
            return _partly_integer(converter, examples)
        if variant == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()  # type: ignore[no-any-return]


def _partly_integer(converter: Any, examples: NDArray[np.float32]) -> bytes:
    def windows() -> Iterator[list[NDArray[np.float32]]]:
        for window in examples:
            yield [window[None]]

    operators = _operators(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = windows
    # The runtime of 32-bit ARM knows one scale per dense layer only.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter,
        debug_dataset=windows,
        debug_options=tf.lite.experimental.QuantizationDebugOptions(
            denylisted_ops=sorted(operators - set(INTEGER))
        ),
    )
    return debugger.get_nondebug_quantized_model()  # type: ignore[no-any-return]


def _operators(contents: bytes) -> set[str]:
    """Return the names of the operators in a .tflite file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float32.tflite"
        path.write_bytes(contents)
        details = runtime.interpreter(path, copy=True)._get_ops_details()
    return {str(detail["op_name"]) for detail in details} - {"DELEGATE"}
