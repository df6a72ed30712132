"""From a TensorFlow function to a TFLite converter: every family's graphs go through here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from pi_edge.quiet import quiet


@contextmanager
def converter(
    serve: Callable[..., dict[str, tf.Tensor]],
    inputs: dict[str, Sequence[int | None]],
    module: tf.Module | None = None,
) -> Iterator[Any]:
    """Yield a tf.lite.TFLiteConverter of `serve` as the signature serving_default.

    Args:
        serve: from one float32 tensor per input to named outputs.
        inputs: name -> shape, None where any length will do.
        module: holds the variables that `serve` uses; it may do without.
    """
    holder = module or tf.Module()
    specs = [tf.TensorSpec(shape, tf.float32, name=name) for name, shape in inputs.items()]
    holder.serve = tf.function(serve, autograph=False, input_signature=specs)
    with quiet(), tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(holder, saved, signatures={"serving_default": holder.serve})
        yield tf.lite.TFLiteConverter.from_saved_model(saved)
