"""One of the MNIST networks trained by Keras, for scripts/bench-training.

    python bench_training_keras.py '{"network": ..., "npz": ..., "epochs": ..., "seed": ..., ...}'

Prints a line of JSON: accuracy, seconds an epoch, peak_bytes.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pi_edge.desktop.mnist.networks import NETWORKS, Conv, Dense, MaxPool
from pi_edge.learning import mnist
from pi_edge.processes import peak_bytes

BATCH, WARM_UP = 100, 100
BETA1, BETA2, TINY = 0.9, 0.999, 1e-7


class Rate(tf.keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Rises for a while, then falls as a cosine does: as pi-edge learn has it."""

    def __init__(self, highest: float, total: int) -> None:
        self.highest, self.total = highest, total

    def __call__(self, step: Any) -> Any:
        step = tf.cast(step, tf.float32)
        rising = (step + 1) / min(WARM_UP, max(1, self.total // 10))
        falling = 0.5 + 0.5 * tf.cos(math.pi * step / self.total)
        return self.highest * tf.minimum(rising, falling)


def main(order: dict[str, Any]) -> dict[str, Any]:
    tf.keras.utils.set_random_seed(order["seed"])
    npz = Path(order["npz"])
    images, labels = mnist.read(npz, "x_train"), mnist.read(npz, "y_train")
    rows = mnist.split(len(labels)).training
    images, labels = images[rows], labels[rows]
    model = network(order["network"])
    total = math.ceil(len(labels) / BATCH) * order["epochs"]
    model.compile(
        tf.keras.optimizers.Adam(Rate(order["rate"], total), BETA1, BETA2, TINY),
        tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    ends = [time.perf_counter()]
    ended = tf.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    model.fit(images, labels, BATCH, order["epochs"], verbose=0, callbacks=[ended])
    # The first epoch also compiles.
    seconds = np.diff(ends)[1 if order["epochs"] > 1 else 0 :].mean()
    test = mnist.read(npz, "x_test"), mnist.read(npz, "y_test")
    said = np.concatenate([model(some).numpy().argmax(1) for some in np.split(test[0], 100)])
    accuracy = float((said == test[1]).mean())
    return {"accuracy": accuracy, "seconds": float(seconds), "peak_bytes": peak_bytes()}


def network(name: str) -> Any:
    """The same layers, as Keras has them."""
    layers = tf.keras.layers
    stack = [layers.Input((28, 28)), layers.Rescaling(1 / 255), layers.Reshape((28, 28, 1))]
    for layer in NETWORKS[name].layers:
        match layer:
            case Conv(size, channels):
                stack.append(layers.Conv2D(channels, size, activation="relu"))
            case MaxPool():
                stack.append(layers.MaxPool2D())
            case Dense(units, relu):
                stack += [layers.Flatten(), layers.Dense(units, "relu" if relu else None)]
    return tf.keras.Sequential(stack)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
