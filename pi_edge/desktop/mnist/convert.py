"""Turn a trained network into three TFLite files, and measure each on the test images.

This is the only place where the 10,000 test images are looked at, once, when nothing is
left to choose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import model_json
from pi_edge.desktop import signature, training_graph
from pi_edge.desktop.mnist import rehearsal
from pi_edge.desktop.mnist.download import find_or_download
from pi_edge.desktop.mnist.learner import learner
from pi_edge.desktop.mnist.networks import probabilities
from pi_edge.desktop.mnist.train import Trained, trained
from pi_edge.learning import mnist as data
from pi_edge.learning.measure import BATCH, accuracy, answers
from pi_edge.quiet import quiet

VARIANTS = ("float32", "float16", "int8")
DEFAULT = "float32"
CALIBRATION_IMAGES = 1000
CHECK_IMAGES = 16

# How far another runtime or processor may be from the expected probabilities. Floats differ
# by the order of additions; int8 by a step or two in each layer, where processors round a
# half differently, which moves a doubtful digit's probabilities by several hundredths.
TOLERANCE = {"float32": 1e-4, "float16": 1e-4, "int8": 0.06}


def convert(
    name: str,
    *,
    state: Path,
    output: Path,
    given: Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Convert the finished training of `name` in `state` into the folder `output`/`name`."""
    return write(trained(name, state), output / name, find_or_download(given), say=say)


def write(result: Trained, folder: Path, npz: Path, *, say: Callable[[str], None] = print) -> Path:
    """Write the .tflite files, check.npz and model.json of one network into `folder`.

    Everything is made and measured beside the folder first; model.json, which names the
    other files' hashes, takes its place last.
    """
    name = result.network.name
    command = f"pi-edge convert {name}"
    labels = data.read(npz, "y_train")
    rows = data.split(len(labels))
    images = data.read(npz, "x_train")
    calibration = images[np.random.default_rng(0).choice(rows.training, CALIBRATION_IMAGES)]
    examples = images[_one_of_each(labels, rows.held_out)]
    test_images, test_labels = data.read(npz, "x_test"), data.read(npz, "y_test")
    expected = network_answers(result, test_images)

    with model_json.scratch(folder) as made:
        checks: dict[str, NDArray[np.float32]] = {"inputs/image": examples.astype(np.float32)}
        variants: dict[str, Any] = {}
        for variant in VARIANTS:
            path = made / f"{variant}.tflite"
            path.write_bytes(tflite(result, variant, calibration))
            chances = answers(path, test_images)
            right = accuracy(chances, test_labels)
            difference = float(np.abs(chances - expected).max())
            disagreeing = int((chances.argmax(1) != expected.argmax(1)).sum())
            variants[variant] = model_json.variant(
                path,
                command,
                accuracy=right.part,
                errors=right.errors,
                images=right.images,
                largest_difference=float(f"{difference:.3g}"),
                disagreeing_labels=disagreeing,
                tolerance=TOLERANCE[variant],
            )
            checks[f"{variant}/probabilities"] = answers(path, examples)
            say(
                f"{name} {variant:8} {right.part:.2%} ({right.errors} wrong of {right.images}), "
                f"{path.stat().st_size:,} bytes, at most {difference:.2g} from the network, "
                f"{disagreeing} labels differ"
            )
        paths = {variant: made / told["file"] for variant, told in variants.items()}
        document = {
            "name": name,
            "task": "digits",
            "default": DEFAULT,
            "labels": [str(digit) for digit in range(10)],
            "variants": variants,
            "check": model_json.write_check(made, checks),
            "training": training_graph.write(made, learner(result.network, result.weights), paths),
            **_rehearsal(name, made, images, labels),
            "measured": model_json.measured_on(),
            "trained": story(result, npz, rows),
        }
        model_json.publish(made, folder, document)
    return folder


def _rehearsal(
    name: str, made: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> dict[str, Any]:
    """Write what travels with a model that learns from examples, and tell of it."""
    if name not in rehearsal.NAMES:
        return {}
    return {"rehearsal": rehearsal.write(made, made / f"{DEFAULT}.tflite", images, labels)}


def tflite(result: Trained, variant: str, calibration: NDArray[np.uint8]) -> bytes:
    """Return the network as a .tflite file of one precision: float32, float16 or int8.

    All take `image` [-1, 28, 28] float32, 0 to 255, and give `probabilities` [-1, 10].
    int8 computes in integers (Jacob et al., CVPR 2018): weights per channel, activations
    with the ranges seen on the calibration images [n, 28, 28].
    """

    def examples() -> Iterator[list[NDArray[np.float32]]]:
        for image in calibration:
            yield [image[None].astype(np.float32)]

    module = tf.Module()
    module.weights = {key: tf.Variable(value) for key, value in result.weights.items()}

    def serve(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": probabilities(result.network.layers, module.weights, image)}

    with signature.converter(serve, {"image": [None, 28, 28]}, module) as converter:
        if variant != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if variant == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if variant == "int8":
            converter.representative_dataset = examples
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            # The runtime of 32-bit ARM knows one scale per dense layer only.
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        return converter.convert()  # type: ignore[no-any-return]


def network_answers(result: Trained, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probabilities [n, 10] that TensorFlow computes from the trained weights."""
    with quiet():
        parts = [
            probabilities(
                result.network.layers, result.weights, images[start : start + BATCH].astype("f4")
            ).numpy()
            for start in range(0, len(images), BATCH)
        ]
    return np.concatenate(parts)


def story(result: Trained, npz: Path, rows: data.Split) -> dict[str, Any]:
    """Tell how the network was trained, for model.json."""
    told = result.story
    history, plan = told["history"], told["plan"]
    last = history[-1]
    return {
        "network": result.network.about,
        "parameters": sum(int(value.size) for value in result.weights.values()),
        "data": {
            "source": data.SOURCE,
            "terms": data.TERMS,
            "sha256": plan["data_sha256"],
        },
        "split": {
            "training": len(rows.training),
            "held_out": len(rows.held_out),
            "seed": data.SPLIT_SEED,
        },
        "seed": plan["seed"],
        "epochs": len(history),
        "planned_epochs": sum(phase["epochs"] for phase in plan["recipe"]["phases"]),
        "recipe": plan["recipe"],
        "held_out_accuracy": last["held_out_accuracy"],
        "held_out_errors": last["held_out_errors"],
        "history": _summary(history),
        "seconds": round(told["seconds"]),
        "date": told["finished"],
        "versions": told["versions"],
        "machine": told["machine"],
        "memory": {
            "peak_bytes": told["peak_bytes"],
            "tensorflow_import_bytes": told["tensorflow_import_bytes"],
        },
    }


def _summary(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most six of the epochs, evenly spread, the first and the last among them."""
    picked = sorted({round(at) for at in np.linspace(0, len(history) - 1, min(6, len(history)))})
    return [history[at] for at in picked]


def _one_of_each(labels: NDArray[np.uint8], rows: NDArray[np.int64]) -> list[int]:
    """Pick rows for check.npz: the first image of each digit, then the first others."""
    first = [int(rows[labels[rows] == digit][0]) for digit in range(10)]
    others = [int(row) for row in rows if int(row) not in first]
    spread = others[:: max(1, len(others) // (CHECK_IMAGES - len(first)))]
    return first + spread[: CHECK_IMAGES - len(first)]
