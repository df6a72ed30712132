from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge import runtime
from pi_edge.learning import mnist as data
from pi_edge.learning.measure import accuracy, answers
from pi_edge.model import Model
from pi_edge.verification import verify_files

VARIANTS = ("float32", "float16", "int8")


@pytest.fixture
def told(converted: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((converted / "model.json").read_bytes())
    return document


@pytest.mark.parametrize("variant", VARIANTS)
def test_names_types_and_shapes_are_the_contracts(converted: Path, variant: str) -> None:
    model = Model(converted / f"{variant}.tflite")
    assert [(s.name, s.dtype, s.shape) for s in model.inputs] == [
        ("image", np.float32, (-1, 28, 28))
    ]
    assert [(s.name, s.dtype, s.shape) for s in model.outputs] == [
        ("probabilities", np.float32, (-1, 10))
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_batch_answers_as_its_images_do_alone(
    converted: Path, tiny_mnist: Path, variant: str
) -> None:
    images = data.read(tiny_mnist, "x_test")[::40]
    path = converted / f"{variant}.tflite"
    alone = np.concatenate([answers(path, image[None]) for image in images])
    np.testing.assert_allclose(answers(path, images), alone, atol=1e-5)


def test_float32_computes_what_the_trained_network_does(told: dict[str, Any]) -> None:
    assert told["variants"]["float32"]["largest_difference"] < 1e-5
    assert told["variants"]["float32"]["disagreeing_labels"] == 0


def test_int8_is_integer_inside(converted: Path) -> None:
    interpreter = runtime.interpreter(converted / "int8.tflite")
    interpreter.allocate_tensors()
    edges = {d["index"] for d in interpreter.get_input_details()}
    edges |= {d["index"] for d in interpreter.get_output_details()}
    inside = [d for d in interpreter.get_tensor_details() if d["index"] not in edges]
    assert inside
    assert {np.dtype(d["dtype"]) for d in inside} <= {np.dtype("int8"), np.dtype("int32")}


def test_float16_is_about_half_the_size(told: dict[str, Any]) -> None:
    sizes = {name: variant["bytes"] for name, variant in told["variants"].items()}
    assert sizes["float16"] < 0.6 * sizes["float32"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_accuracy_told_is_the_files_own(
    converted: Path, tiny_mnist: Path, told: dict[str, Any], variant: str
) -> None:
    images, labels = data.read(tiny_mnist, "x_test"), data.read(tiny_mnist, "y_test")
    measured = accuracy(answers(converted / f"{variant}.tflite", images), labels)
    assert told["variants"][variant]["accuracy"] == measured.part
    assert told["variants"][variant]["errors"] == measured.errors


def test_model_json_tells_how_the_network_was_trained(told: dict[str, Any]) -> None:
    trained = told["trained"]
    assert trained["data"]["terms"] == "CC BY-SA 3.0"
    assert trained["split"] == {"training": 880, "held_out": 80, "seed": 0}
    assert (trained["seed"], trained["epochs"]) == (0, 30)
    assert set(trained["versions"]) == {"python", "tensorflow", "numpy"}
    assert trained["memory"]["peak_bytes"] > trained["memory"]["tensorflow_import_bytes"] > 0


def test_the_check_file_has_each_digit_and_no_test_image(converted: Path, tiny_mnist: Path) -> None:
    with np.load(converted / "check.npz") as checks:
        images = checks["inputs/image"]
    training, labels = data.read(tiny_mnist, "x_train"), data.read(tiny_mnist, "y_train")
    held_out = data.split(len(labels)).held_out
    rows = [
        next(row for row in held_out if np.array_equal(training[row], image)) for image in images
    ]
    assert len(rows) == 16
    assert set(labels[rows]) == set(range(10))


def test_what_was_written_verifies(converted: Path) -> None:
    assert verify_files(converted) == []


def test_nothing_but_the_model_is_left_behind(converted: Path) -> None:
    assert sorted(path.name for path in converted.iterdir()) == [
        "check.npz",
        "float16.tflite",
        "float32.tflite",
        "int8.tflite",
        "model.json",
        "train.tflite",
    ]
    assert [path.name for path in converted.parent.iterdir()] == ["mnist-mlp"]
