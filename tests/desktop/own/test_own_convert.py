"""From a file that Keras or TensorFlow wrote to a model that is served."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import running_daemon

from pi_edge import files
from pi_edge.cli import main
from pi_edge.model import Model
from pi_edge.verification import verify_files

VARIANTS = ("float32", "float16", "int8")


def told(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "model.json").read_bytes())
    return document


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_has_the_names_types_and_shapes_of_the_network(
    converted: Path, variant: str
) -> None:
    model = Model(converted / f"{variant}.tflite")
    (image,), (kind,) = model.inputs, model.outputs
    assert (image.name, image.dtype, image.shape) == ("pixels", np.float32, (-1, 12, 10, 3))
    assert (kind.name, kind.dtype, kind.shape) == ("kind", np.float32, (-1, 4))


def test_the_float_file_computes_what_keras_does(
    converted: Path, classifier: Path, pixels: Path, keras: Any
) -> None:
    with np.load(pixels) as arrays:
        images = arrays["x_train"].astype(np.float32)
    expected = np.asarray(keras.saving.load_model(classifier)(images))
    given = Model(converted / "float32.tflite").run({"pixels": images})["kind"]
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_int8_computes_in_integers_and_says_so(converted: Path) -> None:
    int8 = told(converted)["variants"]["int8"]
    assert int8["quantized"] == "weights and arithmetic"
    assert int8["float_operators"] == {}
    assert int8["bytes"] < told(converted)["variants"]["float32"]["bytes"] / 2


def test_model_json_tells_what_was_measured_and_where_from(
    converted: Path, classifier: Path
) -> None:
    document = told(converted)
    assert document["labels"] == ["cat", "dog", "bird", "fish"]
    assert document["converted"]["file"] == "classifier.keras"
    assert document["converted"]["sha256"] == files.sha256(classifier)
    assert document["converted"]["samples"]["calibrated"] == 40
    for variant in VARIANTS:
        measured = document["variants"][variant]
        assert 0 <= measured["mean_difference"] <= measured["largest_difference"] < 0.1
        assert measured["same_class"] >= 0.9
        assert 0 <= measured["accuracy"] <= 1


def test_what_was_written_verifies_and_nothing_else_is_left(converted: Path) -> None:
    assert verify_files(converted) == []
    assert {path.name for path in converted.iterdir()} == {
        "model.json",
        "check.npz",
        *(f"{variant}.tflite" for variant in VARIANTS),
    }


def test_the_daemon_serves_it(converted: Path, tmp_path: Path) -> None:
    shutil.copytree(converted, tmp_path / "models" / "kinds")
    with np.load(converted / "check.npz") as arrays:
        image, expected = arrays["inputs/pixels"][:1], arrays["int8/kind"][0]
    with running_daemon(tmp_path) as daemon:
        tensor = {"name": "pixels", "shape": list(image.shape), "datatype": "FP32"}
        answer = daemon.send(
            "POST",
            "/v2/models/kinds/versions/int8/infer",
            {"inputs": [{**tensor, "data": image.ravel().tolist()}]},
        )
    assert answer.status == 200
    (output,) = answer.json()["outputs"]
    assert output["name"] == "kind"
    np.testing.assert_allclose(output["data"], expected, atol=1e-5)


def test_without_samples_int8_has_integer_weights_only_and_says_so(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "models"
    assert main(["convert", str(classifier), "--name", "kinds", "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert "made up" in said
    assert "int8: weights are integers and the arithmetic is not" in said
    assert told(output / "kinds")["variants"]["int8"]["quantized"] == "weights"
    assert told(output / "kinds")["converted"]["samples"]["made_up"] is True


def test_operations_that_stay_float_in_int8_are_named(
    tensorflow: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tf = tensorflow

    class Network(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.weights = tf.Variable(
                np.random.default_rng(0).normal(0, 0.1, (64, 32)).astype("f4")
            )

        @tf.function(input_signature=[tf.TensorSpec([None, 64], tf.float32, name="x")])
        def serve(self, x: Any) -> dict[str, Any]:
            return {"y": tf.math.cos(tf.matmul(x, self.weights))}

    network = Network()
    tf.saved_model.save(
        network, str(tmp_path / "saved"), signatures={"serving_default": network.serve}
    )
    samples = tmp_path / "x.npy"
    np.save(samples, np.random.default_rng(1).normal(0, 1, (50, 64)))
    words = ["--calibration", str(samples), "--output", str(tmp_path / "models")]
    assert main(["convert", str(tmp_path / "saved"), "--name", "wave", *words]) == 0
    assert "stay float: COS" in capsys.readouterr().out
    assert told(tmp_path / "models" / "wave")["variants"]["int8"]["float_operators"] == {"COS": 1}


def test_a_recurrent_network_gets_a_batch_of_one(
    keras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = keras.Sequential([keras.Input((5, 3), name="steps"), keras.layers.LSTM(24)])
    network.save(tmp_path / "lstm.keras")
    output = tmp_path / "models"
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(0, 1, (20, 5, 3)))
    words = ["--calibration", str(tmp_path / "x.npy"), "--output", str(output)]
    assert main(["convert", str(tmp_path / "lstm.keras"), "--name", "lstm", *words]) == 0
    said = capsys.readouterr().out
    assert "the batch is fixed at one sample" in said
    assert "int8: weights are integers and the arithmetic is not, for the network goes" in said
    assert told(output / "lstm")["inputs"][0]["shape"] == [1, 5, 3]
    assert verify_files(output / "lstm") == []


def test_inputs_and_outputs_of_several_keep_their_names(keras: Any, tmp_path: Path) -> None:
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    network = keras.Model(
        [left, right],
        {
            "sum": keras.layers.Add()([left, right]),
            "product": keras.layers.Multiply()([left, right]),
        },
    )
    network.save(tmp_path / "two.keras")
    output = tmp_path / "models"
    assert (
        main(["convert", str(tmp_path / "two.keras"), "--name", "two", "--output", str(output)])
        == 0
    )
    model = Model(output / "two" / "float32.tflite")
    one, two = np.full((1, 4), 2, np.float32), np.full((1, 4), 5, np.float32)
    answer = model.run({"left": one, "right": two})
    assert answer["sum"].tolist() == [[7.0] * 4]
    assert answer["product"].tolist() == [[10.0] * 4]


def test_a_name_that_a_shipped_model_has_is_taken_and_told(
    classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["convert", str(classifier), "--name", "fire-theft", "--state", str(tmp_path)]
    assert main(words) == 0
    assert "instead of the shipped model" in capsys.readouterr().out
    assert (tmp_path / "models" / "fire-theft" / "model.json").exists()
