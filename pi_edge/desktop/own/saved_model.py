"""A SavedModel folder: TensorFlow graphs with signatures, no Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop.own import names
from pi_edge.desktop.own.attempt import attempt, first_line
from pi_edge.desktop.own.original import Arrays, Original, Tensor, served_dtype, shape_of
from pi_edge.errors import BadInput, NotFound

DEFAULT = "serving_default"


def read(path: Path, signature: str | None = None) -> Original:
    """The function that a signature of a SavedModel stands for.

    Raises:
        BadInput: TensorFlow cannot load it, or it has no signature.
        NotFound: it has none called so.
    """
    loaded, error = attempt(lambda: tf.saved_model.load(str(path)))
    if error is not None or loaded is None:
        raise BadInput(
            f"TensorFlow {tf.__version__} cannot load the SavedModel {path}: "
            f"{first_line(error or ValueError('it is empty'))}"
        )
    signatures: Mapping[str, Any] = loaded.signatures
    key = _chosen(path, list(signatures), signature)
    serve = signatures[key]
    specs: dict[str, Any] = serve.structured_input_signature[1]
    # In the order that the signature's function takes them, which a dict of them has lost.
    order = [tensor.name.split(":")[0] for tensor in serve.inputs]
    sources = sorted(specs, key=lambda name: _place(specs[name].name or name, order))
    inputs = _tensors({name: specs[name] for name in sources}, "input")
    outputs = _tensors(dict(sorted(serve.structured_outputs.items(), key=_numbered)), "output")

    def graph(tensors: Sequence[Any]) -> list[Any]:
        given = {
            t.source: tf.cast(x, specs[t.source].dtype)
            for t, x in zip(inputs, tensors, strict=True)
        }
        answer = serve(**given)
        return [_served(answer[tensor.source]) for tensor in outputs]

    def run(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        answers = graph([tf.constant(arrays[tensor.name]) for tensor in inputs])
        return {t.name: np.asarray(a) for t, a in zip(outputs, answers, strict=True)}

    holder = tf.Module()
    # Listed, or the converter may leave the weights out.
    holder.weights = list(serve.variables)
    holder.network = loaded
    others = [name for name in signatures if name not in (key, DEFAULT) and signature is None]
    # Keras exports one function under two names.
    others = [name for name in others if not _same(signatures[name], serve)]
    notes = (
        f"of its signatures {key} is converted, not {', '.join(others)}: --signature NAME chooses",
    )
    return Original(
        path,
        "SavedModel",
        inputs,
        outputs,
        graph,
        holder,
        run,
        ("tensorflow", "numpy"),
        notes if others else (),
        {"signature": key},
    )


def _chosen(path: Path, there: list[str], wanted: str | None) -> str:
    if not there:
        raise BadInput(
            f"the SavedModel {path} has no signature: save it with model.export('FOLDER') or with "
            "tf.saved_model.save(..., signatures=...)"
        )
    key = wanted or (DEFAULT if DEFAULT in there or len(there) > 1 else there[0])
    if key not in there:
        raise NotFound(
            f"the SavedModel {path} has no signature {key!r}; it has {', '.join(there)}: "
            "choose with --signature NAME"
        )
    return key


def _same(one: Any, other: Any) -> bool:
    return bool(
        one.structured_input_signature == other.structured_input_signature
        and one.structured_outputs == other.structured_outputs
    )


def _place(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)


def _numbered(item: tuple[str, Any]) -> tuple[str, int]:
    """Sorts output_10 behind output_9."""
    stem = item[0].rstrip("0123456789")
    return stem, int(item[0][len(stem) :] or -1)


def _tensors(specs: Mapping[str, Any], kind: str) -> tuple[Tensor, ...]:
    told = names.readable(list(specs), kind)
    return tuple(
        Tensor(name, served_dtype(spec.dtype), shape_of(spec), source)
        for name, (source, spec) in zip(told, specs.items(), strict=True)
    )


def _served(tensor: Any) -> Any:
    return tf.cast(tensor, tf.float32) if tensor.dtype.is_floating else tensor
