"""What cannot be converted is told in one line that says what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.cli import main
from pi_edge.desktop.own.names import readable
from pi_edge.desktop.own.refused import explain


def test_a_missing_file(fails: Callable[..., str], tmp_path: Path) -> None:
    assert "there is no" in fails(tmp_path / "none.keras")


@pytest.mark.parametrize("name", ["bad.keras", "bad.h5"])
def test_a_damaged_file(
    tensorflow: Any, fails: Callable[..., str], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("no network")
    assert "is no Keras file, or a damaged one" in fails(tmp_path / name)


def test_a_folder_that_is_no_saved_model(fails: Callable[..., str], tmp_path: Path) -> None:
    assert "no saved_model.pb in it" in fails(tmp_path)


def test_files_of_other_kinds_are_sent_where_they_belong(
    fails: Callable[..., str], tmp_path: Path
) -> None:
    for name, way in {"a.pt": "torch.onnx.export", "a.tflite": "pi-edge models add"}.items():
        (tmp_path / name).touch()
        assert way in fails(tmp_path / name)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_python_in_a_lambda_layer_is_not_run(
    keras: Any, fails: Callable[..., str], tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"lambda.{ending}"
    keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2)]).save(path)
    said = fails(path)
    assert "Lambda layer" in said
    assert "model.export" in said


def test_a_custom_layer_is_named(keras: Any, fails: Callable[..., str], tmp_path: Path) -> None:
    class Doubling(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2

    keras.Sequential([keras.Input((4,)), Doubling()]).save(tmp_path / "custom.keras")
    said = fails(tmp_path / "custom.keras")
    assert "Doubling" in said
    assert "model.export" in said


def test_weights_alone(keras: Any, fails: Callable[..., str], tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    network.save_weights(tmp_path / "own.weights.h5")
    assert "weights without a network" in fails(tmp_path / "own.weights.h5")


def test_an_operation_that_is_no_builtin_is_named_with_what_to_do(
    tensorflow: Any, fails: Callable[..., str], tmp_path: Path
) -> None:
    tf = tensorflow
    network = tf.Module()
    network.serve = tf.function(
        lambda x: {"y": tf.linalg.svd(x)[0] + tf.linalg.det(x)[:, None]},
        input_signature=[tf.TensorSpec([None, 4, 4], tf.float32, name="x")],
    )
    saved = tmp_path / "saved"
    tf.saved_model.save(network, str(saved), signatures={"serving_default": network.serve})
    first, *rest = fails(saved, lines=3).splitlines()
    assert "nothing was written" in first
    assert [line.split(":")[0].strip() for line in rest] == ["MatrixDeterminant", "Svd"]


def test_text_is_refused(keras: Any, fails: Callable[..., str], tmp_path: Path) -> None:
    layer = keras.layers.TextVectorization(20, output_sequence_length=4)
    layer.adapt(["one two", "three"])
    network = keras.Sequential(
        [keras.Input((), dtype="string"), layer, keras.layers.Embedding(20, 4)]
    )
    network.save(tmp_path / "text.keras")
    assert "is text" in fails(tmp_path / "text.keras")


def test_samples_of_another_shape(
    classifier: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 7, 7), np.float32))
    said = fails(classifier, "--calibration", tmp_path / "x.npy")
    assert "pixels must have the shape [-1, 12, 10, 3]" in said
    assert "[4, 7, 7]" in said


def test_samples_without_the_inputs_names(
    classifier: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", one=np.zeros(3), other=np.zeros(3))
    said = fails(classifier, "--calibration", tmp_path / "x.npz")
    assert "no array pixels; it has one, other" in said


def test_labels_that_no_output_has(
    classifier: Path, fails: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    assert "2 labels" in fails(classifier, "--labels", tmp_path / "labels.txt")


def test_a_network_that_fits_no_task(classifier: Path, fails: Callable[..., str]) -> None:
    assert "28x28" in fails(classifier, "--task", "digits")
    assert "regression takes" in fails(classifier, "--task", "regression")


def test_a_signature_that_is_not_there(
    keras: Any, fails: Callable[..., str], tmp_path: Path
) -> None:
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    network.export(tmp_path / "saved", verbose=False)
    assert "it has serve" in fails(tmp_path / "saved", "--signature", "none")


def test_wrong_usage_is_told_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    (tmp_path / "a.keras").touch()
    code = f"""
import sys
from pi_edge.cli import main
assert main(["convert", {str(tmp_path / "a.keras")!r}]) == 2
assert main(["convert", {str(tmp_path / "a.keras")!r}, "--name", "../up"]) == 2
assert main(["convert", {str(tmp_path / "a.keras")!r}, "--name", "a", "--data", "x"]) == 2
assert main(["convert", {str(tmp_path / "none.keras")!r}, "--name", "a"]) == 1
assert not {{"tensorflow", "numpy", "keras"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_an_older_conversion_survives_one_that_fails(converted: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in converted.iterdir()}
    (tmp_path / "bad.keras").write_text("no network")
    words = ["convert", str(tmp_path / "bad.keras"), "--name", converted.name]
    assert main([*words, "--output", str(converted.parent)]) == 1
    assert {path.name: path.read_bytes() for path in converted.iterdir()} == before


def test_names_that_nobody_gave_are_replaced() -> None:
    raw = ["serving_default_image:0", "StatefulPartitionedCall:0", "495", "a/b.c"]
    assert readable(raw, "output") == ["image", "output_1", "output_2", "a_b_c"]
    assert readable(["keras_tensor_12"], "input") == ["input"]
    assert readable(["a b", "a/b"], "input") == ["a_b", "a_b_2"]


def test_a_complaint_of_the_converter_without_operations_is_one_line() -> None:
    error = ValueError('x\n<unknown>:0: error: loc("a")): the shape is odd\nmore\n')
    assert explain(Path("a.keras"), error).endswith("the shape is odd")
