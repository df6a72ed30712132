"""A network's own training as a .tflite file: forward, gradient and Adam from TFLite's builtins.

Signatures, with B the batch that the file was made for:

    train               the inputs [B, ...] float32, target [B, ...], weight [B] float32 (0 for rows
                        that only fill the batch up), rate [] float32 -> loss, figure: scalars;
                        takes one step of Adam (Kingma and Ba, ICLR 2015)
    infer               the inputs [B, ...] -> the network's outputs [B, ...]
    weights             -> every weight, by name
    restore             every weight, by name -> count, scalar; Adam stays as it is
    optimiser           -> Adam's moments NAME_m and NAME_v, and its count of steps
    restore_optimiser   the same, all of it -> count
    reset_optimiser     -> count; Adam as before its first step

Weights and moments are resource variables, which all signatures of one interpreter share; a new
interpreter begins with those that the file was made with.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import files
from pi_edge.errors import PiEdgeError
from pi_edge.learning import buffers
from pi_edge.quiet import quiet

FILE = "train.tflite"
BETA1, BETA2, TINY = 0.9, 0.999, 1e-7

Weights = Mapping[str, NDArray[np.float32]]
Tensors = Mapping[str, Any]


@dataclass(frozen=True)
class Weight:
    """One array that learns.

    Attributes:
        value: float32, where it begins: what the shipped model has.
        spread: standard deviation of normal values to start from scratch with; 0 for zeros.
        scale: what it is multiplied by in the files of the model.
        decay: whether Adam's decoupled weight decay applies (Loshchilov and Hutter, ICLR 2019).
    """

    value: NDArray[np.float32]
    spread: float = 0.0
    scale: float = 1.0
    decay: bool = False


@dataclass(frozen=True)
class Learner:
    """A network as it learns.

    Attributes:
        inputs: name -> shape of one example's.
        target: shape and dtype of one example's.
        weights: all that learns; matrices [in, out].
        batch: examples a step.
        forward: weights and inputs, with their batch -> what loss and answers take.
        loss: that and the target -> loss [batch] and figure [batch] of each example.
        answers: what forward gave -> the network's outputs by name.
        rate, epochs: what learning goes by where nothing else is asked for.
        weight_decay: of a step at rate 1.
    """

    inputs: Mapping[str, tuple[int, ...]]
    target: tuple[tuple[int, ...], Any]
    weights: Mapping[str, Weight]
    batch: int
    forward: Callable[[Tensors, Tensors], Any]
    loss: Callable[[Any, Any], tuple[Any, Any]]
    answers: Callable[[Any], dict[str, Any]]
    rate: float
    epochs: int
    weight_decay: float = 0.0


def build(learner: Learner) -> bytes:
    """The .tflite file.

    Raises:
        PiEdgeError: something in the network has no gradient among TFLite's builtins.
    """
    module = tf.Module()
    functions = _functions(learner, module)
    # The module has to know them, or their variables are not saved.
    module.functions = functions
    with quiet(), tempfile.TemporaryDirectory() as saved:
        tf.saved_model.save(module, saved, signatures=functions)
        converter = tf.lite.TFLiteConverter.from_saved_model(saved, signature_keys=[*functions])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        converter.experimental_enable_resource_variables = True
        try:
            return converter.convert()  # type: ignore[no-any-return]
        except tf.lite.python.convert.ConverterError as error:
            first = str(error).strip().splitlines()[0]
            raise PiEdgeError(f"this network cannot learn within TFLite: {first}") from error


def write(made: Path, learner: Learner, variants: Mapping[str, Path]) -> dict[str, Any]:
    """Write train.tflite into a folder, and tell of it as model.json does under "training".

    Args:
        variants: the model's files by precision; into which of them the weights can be
            written, and where, is told as well.
    """
    path = made / FILE
    path.write_bytes(build(learner))
    contents = {variant: file.read_bytes() for variant, file in variants.items()}
    weights = {
        name: {
            "shape": list(weight.value.shape),
            "spread": float(f"{weight.spread:.6g}"),
            "places": {
                variant: place
                for variant, data in contents.items()
                if (place := _place(data, weight))
            },
        }
        for name, weight in learner.weights.items()
    }
    return {
        "file": FILE,
        "sha256": files.sha256(path),
        "bytes": path.stat().st_size,
        "batch": learner.batch,
        "rate": learner.rate,
        "epochs": learner.epochs,
        "weights": weights,
    }


def _place(contents: bytes, weight: Weight) -> dict[str, Any] | None:
    """Which buffer of a file holds a weight, and how; None where none does, or more than one."""
    value = (weight.value * np.float32(weight.scale)).astype(np.float32)
    held = {contents[place]: number for number, place in enumerate(buffers.find(contents))}
    counts = [contents[place] for place in buffers.find(contents)]
    for dtype in ("<f4", "<f2"):
        for axes in ([1, 0], [0, 1]) if value.ndim == 2 else ([*range(value.ndim)],):
            data = np.ascontiguousarray(value.transpose(axes)).astype(dtype).tobytes()
            if counts.count(data) == 1:
                return {
                    "buffer": held[data], "dtype": dtype[1:], "axes": axes, "scale": weight.scale,
                }  # fmt: skip
    return None


def _functions(learner: Learner, module: Any) -> dict[str, Any]:
    batch = learner.batch
    module.weights = {name: tf.Variable(w.value) for name, w in learner.weights.items()}
    module.first = {name: tf.Variable(tf.zeros_like(v)) for name, v in module.weights.items()}
    module.second = {name: tf.Variable(tf.zeros_like(v)) for name, v in module.weights.items()}
    module.steps = tf.Variable(tf.zeros([1]))
    shape, dtype = learner.target
    inputs = {name: tf.TensorSpec([batch, *s], name=name) for name, s in learner.inputs.items()}
    weights = {name: tf.TensorSpec(w.value.shape, name=name) for name, w in learner.weights.items()}
    moments = {
        f"{name}_{kind}": tf.TensorSpec(w.value.shape, name=f"{name}_{kind}")
        for kind in ("m", "v")
        for name, w in learner.weights.items()
    } | {"steps": tf.TensorSpec([1], name="steps")}

    def train(**given: Any) -> dict[str, Any]:
        values = {name: variable.read_value() for name, variable in module.weights.items()}
        count = tf.reduce_sum(given["weight"])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([*values.values()])
            output = learner.forward(values, given)
            losses, figures = learner.loss(output, given["target"])
            loss = tf.reduce_sum(losses * given["weight"]) / count
        gradients = tape.gradient(loss, values)
        steps = module.steps.assign_add([1.0])
        rate = given["rate"]
        scale = rate * tf.sqrt(1 - tf.pow(BETA2, steps)) / (1 - tf.pow(BETA1, steps))
        for name, gradient in gradients.items():
            first, second = module.first[name], module.second[name]
            m = BETA1 * first + (1 - BETA1) * gradient
            v = BETA2 * second + (1 - BETA2) * gradient * gradient
            change = scale * m / (tf.sqrt(v) + TINY)
            if learner.weight_decay and learner.weights[name].decay:
                change += rate * learner.weight_decay * values[name]
            first.assign(m)
            second.assign(v)
            module.weights[name].assign(values[name] - change)
        return {"loss": loss, "figure": tf.reduce_sum(figures * given["weight"]) / count}

    def infer(**given: Any) -> dict[str, Any]:
        values = {name: variable.read_value() for name, variable in module.weights.items()}
        return learner.answers(learner.forward(values, given))

    def read_weights() -> dict[str, Any]:
        return {name: variable.read_value() for name, variable in module.weights.items()}

    def restore(**given: Any) -> dict[str, Any]:
        for name, variable in module.weights.items():
            variable.assign(given[name])
        return {"count": tf.constant(len(given))}

    def optimiser() -> dict[str, Any]:
        told = {"steps": module.steps.read_value()}
        for name in module.weights:
            told[f"{name}_m"] = module.first[name].read_value()
            told[f"{name}_v"] = module.second[name].read_value()
        return told

    def restore_optimiser(**given: Any) -> dict[str, Any]:
        module.steps.assign(given["steps"])
        for name in module.weights:
            module.first[name].assign(given[f"{name}_m"])
            module.second[name].assign(given[f"{name}_v"])
        return {"count": tf.constant(len(given))}

    def reset_optimiser() -> dict[str, Any]:
        module.steps.assign(tf.zeros([1]))
        for name, variable in module.weights.items():
            module.first[name].assign(tf.zeros_like(variable))
            module.second[name].assign(tf.zeros_like(variable))
        return {"count": tf.constant(0)}

    examples = inputs | {
        "target": tf.TensorSpec([batch, *shape], dtype, name="target"),
        "weight": tf.TensorSpec([batch], name="weight"),
        "rate": tf.TensorSpec([], name="rate"),
    }
    taken: dict[Callable[..., Any], dict[str, tf.TensorSpec]] = {
        train: examples,
        infer: inputs,
        read_weights: {},
        restore: weights,
        optimiser: {},
        restore_optimiser: moments,
        reset_optimiser: {},
    }
    return {
        function.__name__.removeprefix("read_"): tf.function(
            function, autograph=False
        ).get_concrete_function(**specs)
        for function, specs in taken.items()
    }
