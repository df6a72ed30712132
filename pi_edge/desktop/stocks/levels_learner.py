"""The network of `stocks-levels` as it learns on a Pi, and its files with numbers in known places.

The converter folds the way back from scaled prices to prices into the last layer, and makes the
division by the span a product. So a file has the layers, the last one in units of price, the lowest
prices and the reciprocals of the spans, and how far the interval reaches below and above.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge.desktop import training_graph
from pi_edge.desktop.stocks import levels, tflite
from pi_edge.desktop.stocks.constants import Places, find, packed
from pi_edge.desktop.training_graph import Learner, Tensors, Weight
from pi_edge.learning import buffers
from pi_edge.learning.forecasts.levels import Floats, Levels, constants
from pi_edge.learning.forecasts.network import ABSENT

KIND = "levels"
EPOCHS = levels.MOST_ROUNDS


def file(
    values: Mapping[str, Floats], variant: str, examples: NDArray[np.float32]
) -> tuple[bytes, Places]:
    """The .tflite file of one of constants.VARIANTS, and for each of its constants where it is, as
    model.json has it.

    It is made with numbers that differ from each other, looked through for them, and only then
    given its own: where a stock's price never moved the converter would leave things out.

    Args:
        values: a network's constants, as learning.forecasts.levels has them.
        examples: prices [n, days, tickers].
    """
    probe = _probe(values)
    contents = tflite.convert(levels.graph(probe), variant, examples)
    places = find(contents, constants(probe), variant)
    own = {places[key]["buffer"]: packed(value, places[key]) for key, value in values.items()}
    return buffers.replaced(contents, own), places


def _probe(values: Mapping[str, Floats]) -> Levels:
    """A network of the same shape whose constants all differ, and which lose nothing to rounding
    where the converter computes with them: spans are powers of two."""
    random = np.random.default_rng(0)

    def drawn(key: str, lowest: float) -> Floats:
        return random.uniform(lowest, lowest + 1, values[key].shape).astype(np.float32)

    layers = range(1, 1 + sum(key.endswith("_kernel") for key in values))
    tickers = np.arange(len(values["lowest"]))
    return Levels(
        lowest=drawn("lowest", 3),
        span=(0.25 * 2.0 ** (tickers % 8)).astype(np.float32),
        kernels=tuple(drawn(f"dense{at}_kernel", 0.5) for at in layers),
        biases=tuple(drawn(f"dense{at}_bias", 5) for at in layers),
        below=-drawn("below", 1),
        above=drawn("above", 1),
        rounds=0,
        validation_loss=np.nan,
    )


def write(made: Path, known: Levels, places: Mapping[str, Places]) -> dict[str, Any]:
    """Write train.tflite into a folder, and tell of it as model.json does under "training".

    Args:
        places: by variant.
    """
    told = training_graph.write(made, learner(known), {})
    for key, value in constants(known).items():
        told["weights"].setdefault(key, {"shape": list(value.shape), "spread": 0.0})
        told["weights"][key]["places"] = {variant: at[key] for variant, at in places.items()}
    return {**told, "kind": KIND}


def learner(known: Levels, batch: int = levels.BATCH) -> Learner:
    """The network as it learns: from scaled prices to those of the next day, in target ABSENT
    where there is none, by half the squared error, L1 and L2 on the kernels."""
    count, inputs = len(known.kernels), len(known.kernels[0])
    weights = {
        # Glorot and Bengio (AISTATS 2010), of a normal distribution instead of an even one.
        key: Weight(value, float(np.sqrt(2 / sum(value.shape))) if value.ndim == 2 else 0.0)
        for key, value in known.weights.items()
    }

    def forward(values: Tensors, given: Tensors) -> tuple[Any, Any]:
        x, penalty = given["seen"], 0.0
        for at in range(1, count + 1):
            kernel = values[f"dense{at}_kernel"]
            size = tf.maximum(kernel, -kernel)
            penalty += levels.L1 * tf.reduce_sum(size)
            penalty += levels.L2 * tf.reduce_sum(kernel * kernel) / 2
            x = tf.matmul(x, kernel) + values[f"dense{at}_bias"]
            x = elu(x) if at < count else x
        return x, penalty

    def loss(output: tuple[Any, Any], target: Any) -> tuple[Any, Any]:
        said, penalty = output
        there = tf.cast(tf.less(target, ABSENT), tf.float32)
        off = (said - target) * there
        missed = tf.reduce_mean(tf.maximum(off, -off), 1)
        return tf.reduce_sum(off * off, 1) / 2 + penalty, missed

    return Learner(
        inputs={"seen": (inputs,)},
        target=((len(known.lowest),), tf.float32),
        weights=weights,
        batch=batch,
        forward=forward,
        loss=loss,
        answers=lambda output: {"scaled": output[0]},
        rate=levels.LEARNING_RATE,
        epochs=EPOCHS,
    )


def elu(x: Any) -> Any:
    """ELU, of whose gradient TFLite has no builtin. Below 0, exp(x) - 1 is the larger one of the
    two; above, x is."""
    return tf.maximum(x, tf.exp(tf.minimum(x, 0.0)) - 1.0)
