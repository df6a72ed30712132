"""From a network to .tflite files, through TensorFlow's converter; builtin operations only."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.own import refused
from pi_edge.desktop.own.attempt import attempt
from pi_edge.desktop.own.original import Original
from pi_edge.desktop.own.samples import Samples
from pi_edge.errors import BadInput

VARIANTS = ("float32", "float16", "int8")


@contextmanager
def saved(original: Original) -> Iterator[Path]:
    """The network as a SavedModel with its readable names, until the block ends.

    Raises:
        BadInput: TensorFlow cannot save it.
    """
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in original.inputs]

    def serve(*tensors: Any) -> dict[str, Any]:
        answers = original.graph(tensors)
        return {t.name: tf.identity(a) for t, a in zip(original.outputs, answers, strict=True)}

    function = tf.function(serve, autograph=False, input_signature=specs)
    holder = original.holder
    with tempfile.TemporaryDirectory() as folder:
        _, error = attempt(
            lambda: tf.saved_model.save(holder, folder, signatures={"serving_default": function})
        )
        if error is not None:
            raise BadInput(refused.explain(original.path, error))
        yield Path(folder)


def convert(folder: Path, variant: str, original: Original, samples: Samples | None) -> bytes:
    """The SavedModel in ``folder`` as a .tflite file of one precision.

    int8 computes in integers where TFLite can (Jacob et al., CVPR 2018): weights per channel,
    activations with the ranges seen on ``samples``. Without samples only its weights are
    integers. Inputs and outputs keep their types.

    Raises:
        BadInput: an operation is no TFLite builtin, or the converter failed.
    """

    def examples() -> Iterator[dict[str, NDArray[Any]]]:
        assert samples is not None
        yield from samples.each(original.inputs)

    def made() -> bytes:
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        if variant != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            # The runtime of 32-bit ARM knows one scale per dense layer only.
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        if variant == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if variant == "int8" and samples is not None:
            converter.representative_dataset = examples
            converter.target_spec.supported_ops = [
                tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
                tf.lite.OpsSet.TFLITE_BUILTINS,
            ]
        return bytes(converter.convert())

    contents, error = attempt(made)
    if error is not None or contents is None:
        raise BadInput(refused.explain(original.path, error or ValueError("nothing came of it")))
    return contents
