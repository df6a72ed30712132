"""The network of `stocks` as it learns on a Pi, and its files made with numbers in known places.

What its output is multiplied by, the shrinkage, the converter folds into the last layer. So a file
has the network's layers, the last one shrunk already, and the two ends of the interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop import training_graph
from pi_edge.desktop.stocks import layers, network, tflite
from pi_edge.desktop.stocks.constants import Places, find, packed
from pi_edge.desktop.training_graph import Learner, Tensors, Weight
from pi_edge.learning import buffers
from pi_edge.learning.forecasts.network import ABSENT, Architecture, Fitted, constants

EPOCHS = 5


def file(
    fitted: Fitted, tickers: int, variant: str, examples: NDArray[np.float32]
) -> tuple[bytes, Places]:
    """The .tflite file of one of constants.VARIANTS, and for each of its constants where it is, as
    model.json has it.

    It is made with numbers that differ from each other, looked through for them, and only then
    given its own: of a network whose shrinkage or bias is 0 the converter would leave things out.
    """
    random = np.random.default_rng(0)
    known = {
        key: random.uniform(0.5, 1.5, value.shape).astype(np.float32)
        for key, value in constants(fitted).items()
    }
    known["low"] *= -1
    names = [key for key in known if key not in ("low", "high")]
    last = f"dense{len(names) // 2}"
    # A half and a double cost no rounding: what is found is exactly what is looked for.
    probe = replace(
        fitted,
        weights={
            key.replace("_", "/"): known[key] * np.float32(2 if key.startswith(last) else 1)
            for key in names
        },
        shrinkage=0.5,
        low=float(known["low"][0]),
        high=float(known["high"][0]),
    )
    contents = tflite.convert(network.graph(probe, tickers), variant, examples)
    places = find(contents, known, variant)
    values = {
        places[key]["buffer"]: packed(value, places[key])
        for key, value in constants(fitted).items()
    }
    return buffers.replaced(contents, values), places


def write(made: Path, fitted: Fitted, tickers: int, places: Mapping[str, Places]) -> dict[str, Any]:
    """Write train.tflite into a folder, and tell of it as model.json does under "training".

    Args:
        places: by variant.
    """
    told = training_graph.write(made, learner(fitted, tickers), {})
    for key, value in constants(fitted).items():
        told["weights"].setdefault(key, {"shape": list(value.shape), "spread": 0.0})
        told["weights"][key]["places"] = {variant: at[key] for variant, at in places.items()}
    architecture = asdict(fitted.architecture)
    return {**told, "architecture": architecture, "shrinkage": fitted.shrinkage}


def learner(fitted: Fitted, tickers: int, batch: int = layers.BATCH) -> Learner:
    """The network as it learns: from `seen` to standardised returns, in target ABSENT where there
    is none, by Huber's loss (1964)."""
    architecture = fitted.architecture
    count = len(fitted.weights) // 2
    weights = {}
    for layer in range(1, count + 1):
        kernel = fitted.weights[f"dense{layer}/kernel"]
        spread = float(np.sqrt(2 / len(kernel))) if layer < count else 0.0
        weights[f"dense{layer}_kernel"] = Weight(kernel, spread, decay=True)
        weights[f"dense{layer}_bias"] = Weight(fitted.weights[f"dense{layer}/bias"])

    def forward(values: Tensors, given: Tensors) -> Any:
        x = given["seen"]
        for layer in range(1, count + 1):
            x = tf.matmul(x, values[f"dense{layer}_kernel"]) + values[f"dense{layer}_bias"]
            x = tf.maximum(x, 0.0) if layer < count else x
        return x

    return Learner(
        inputs={"seen": (_inputs(architecture, tickers),)},
        target=((tickers if architecture.joint else 1,), tf.float32),
        weights=weights,
        batch=batch,
        forward=forward,
        loss=huber,
        answers=lambda said: {"standard": said},
        rate=layers.RATE,
        epochs=EPOCHS,
        weight_decay=layers.WEIGHT_DECAY,
    )


def huber(said: Any, target: Any) -> tuple[Any, Any]:
    """Loss and absolute error of each example, the mean over its returns: both [n, returns]."""
    there = tf.cast(tf.less(target, ABSENT), tf.float32)
    error = (target - said) * there
    size = tf.maximum(error, -error)
    near = tf.minimum(size, 1.0)
    return tf.reduce_mean(near * (size - 0.5 * near), 1), tf.reduce_mean(size, 1)


def _inputs(architecture: Architecture, tickers: int) -> int:
    return architecture.lookback * (tickers if architecture.joint else 2)
