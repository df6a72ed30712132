"""A .keras or .h5 file. Python code in it is never run: Keras' safe mode stays on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.own import names
from pi_edge.desktop.own.attempt import attempt, first_line
from pi_edge.desktop.own.original import Arrays, Original, Tensor, served_dtype, shape_of
from pi_edge.errors import BadInput

_EXPORT = (
    "where it was made, model.export('FOLDER') writes a SavedModel without Python in it: "
    "convert that folder"
)


def read(path: Path) -> Original:
    """The network in a Keras file.

    Raises:
        BadInput: it holds none, or one with Python code; says what to do.
    """
    model = _loaded(path)
    if not getattr(model, "inputs", None):
        raise BadInput(f"{path} does not tell the shapes of its inputs: {_EXPORT}")
    inputs = _tensors(model.inputs, [tensor.name for tensor in model.inputs], "input")
    outputs = _tensors(model.outputs, _output_names(model), "output")

    def graph(tensors: Sequence[Any]) -> list[Any]:
        given = [tf.cast(t, k.dtype) for t, k in zip(tensors, model.inputs, strict=True)]
        answer = model(_packed(model, given), training=False)
        return [_served(tensor) for tensor in keras.tree.flatten(answer)]

    compiled = tf.function(graph, reduce_retracing=True)  # a large network is slow without

    def run(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        answers = compiled([tf.constant(arrays[tensor.name]) for tensor in inputs])
        return {t.name: np.asarray(a) for t, a in zip(outputs, answers, strict=True)}

    holder = tf.Module()
    # By itself, or the converter leaves the weights out; the model too, for its tables.
    holder.weights = [variable.value for variable in model.variables]
    holder.network = model
    return Original(
        path, "Keras file", inputs, outputs, graph, holder, run, ("tensorflow", "keras", "numpy")
    )


def _loaded(path: Path) -> Any:
    model, error = attempt(lambda: keras.saving.load_model(path, compile=False, safe_mode=True))
    if error is None:
        return model
    text = str(error)
    if "Lambda" in text and ("Python lambda" in text or "unsafe" in text or "safe_mode" in text):
        raise BadInput(
            f"{path} has a Lambda layer, whose Python code is not run here: {_EXPORT}"
        ) from error
    unknown = re.search(r"Could not locate (?:class|function) '([^']+)'", text) or re.search(
        r"Unknown (?:layer|object|\w+)(?: function)?: '?([\w>.]+)'?", text
    )
    if unknown:
        raise BadInput(f"{path} has {unknown[1]}, which is no part of Keras: {_EXPORT}") from error
    if "No model config found" in text or path.name.endswith(".weights.h5"):
        raise BadInput(
            f"{path} holds weights without a network: save the whole network with "
            "model.save('NAME.keras')"
        ) from error
    if isinstance(error, OSError) or "accessible `.keras` zip file" in text:
        raise BadInput(f"{path} is no Keras file, or a damaged one") from error
    raise BadInput(
        f"Keras {keras.__version__} cannot read {path} ({first_line(error)}): {_EXPORT}"
    ) from error


def _tensors(given: Sequence[Any], raw: Sequence[str], kind: str) -> tuple[Tensor, ...]:
    told = names.readable(raw, kind)
    return tuple(
        Tensor(name, served_dtype(tf.as_dtype(tensor.dtype)), shape_of(tensor), source)
        for name, tensor, source in zip(told, given, raw, strict=True)
    )


def _output_names(model: Any) -> list[str]:
    """Keys of a dict of outputs, else the names of the layers that they come from."""
    if isinstance(model, keras.Sequential):
        return [model.layers[-1].name]
    struct = getattr(model, "output", None)
    if isinstance(struct, Mapping):
        keys = {id(tensor): str(key) for key, tensor in struct.items()}
        if all(id(tensor) in keys for tensor in model.outputs):
            return [keys[id(tensor)] for tensor in model.outputs]
    return [str(name) for name in getattr(model, "output_names", ())] or [
        tensor.name for tensor in model.outputs
    ]


def _packed(model: Any, tensors: list[Any]) -> Any:
    if isinstance(model, keras.Sequential):
        return tensors[0]
    return keras.tree.pack_sequence_as(model.input, tensors)


def _served(tensor: Any) -> Any:
    tensor = tf.convert_to_tensor(tensor)
    return tf.cast(tensor, tf.float32) if tensor.dtype.is_floating else tensor
