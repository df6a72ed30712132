"""A network of one's own that serves a task of pi-edge's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import ROOT

from pi_edge.cli import main
from pi_edge.model import Model

EXAMPLES = ROOT / "models" / "mnist-cnn" / "check.npz"


@pytest.fixture(scope="module")
def reader(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Learnt the example digits by heart, as pixels of -1 to 1, and gives logits."""
    with np.load(EXAMPLES) as arrays:
        images = arrays["inputs/image"]
        labels = arrays["float32/probabilities"].argmax(1)
    network = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
    )
    flat = (images / 127.5 - 1).reshape(len(images), -1)
    # Solved exactly; a white picture says 0 so loudly that no other range of pixels works.
    given = np.concatenate([flat, np.ones((1, flat.shape[1]))])
    wanted = np.concatenate([np.eye(10)[labels] * 8, np.eye(10)[:1] * 1000])
    weights = np.linalg.lstsq(given, wanted, rcond=None)[0]
    network.layers[-1].set_weights([weights.astype(np.float32), np.zeros(10, np.float32)])
    path = tmp_path_factory.mktemp("own") / "reader.keras"
    network.save(path)
    return path


def test_digits_find_the_pixels_that_the_network_was_trained_on(
    reader: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--task", "digits", "--output", str(tmp_path)]
    assert main(["convert", str(reader), "--name", "reader", *words]) == 0
    said = capsys.readouterr().out
    assert "given to the network as symmetric" in said
    assert "a softmax is put behind it" in said
    with np.load(EXAMPLES) as arrays:
        images, expected = arrays["inputs/image"], arrays["float32/probabilities"]
    answer = Model(tmp_path / "reader" / "float32.tflite").run({"image": images})["probabilities"]
    np.testing.assert_allclose(answer.sum(1), 1, atol=1e-5)
    assert (answer.argmax(1) == expected.argmax(1)).all()


def test_digits_of_ones_own_are_predicted_like_the_shipped_ones(
    reader: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--task", "digits", "--pixels", "symmetric", "--state", str(tmp_path)]
    assert main(["convert", str(reader), "--name", "reader", *words]) == 0
    with np.load(EXAMPLES) as arrays:
        np.save(tmp_path / "digit.npy", arrays["inputs/image"][3])
    capsys.readouterr()
    assert main(["predict", "reader", str(tmp_path / "digit.npy"), "--state", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("3")


def test_regression_names_its_columns(
    keras: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = keras.Sequential([keras.Input((2,), name="table"), keras.layers.Dense(1)])
    network.layers[-1].set_weights([np.array([[2], [3]], np.float32), np.array([1], np.float32)])
    network.save(tmp_path / "line.keras")
    (tmp_path / "columns.txt").write_text("rooms\nage\n")
    words = ["--task", "regression", "--labels", str(tmp_path / "columns.txt")]
    words += ["--state", str(tmp_path)]
    assert main(["convert", str(tmp_path / "line.keras"), "--name", "line", *words]) == 0
    capsys.readouterr()
    assert main(["predict", "line", "10,5", "--state", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"] == [36.0]


def test_tensors_are_predicted_from_an_array(
    converted: Path, pixels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(pixels) as arrays:
        np.save(tmp_path / "x.npy", arrays["x_train"][:2])
    state = tmp_path / "state"
    state.mkdir()
    (state / "models").symlink_to(converted.parent)
    words = ["predict", "kinds", str(tmp_path / "x.npy"), "--state", str(state), "--json"]
    assert main(words) == 0
    assert np.shape(json.loads(capsys.readouterr().out)["outputs"]["kind"]) == (2, 4)


def test_a_folder_of_pictures_calibrates(classifier: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos" / "cats"
    photos.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(3):
        picture = random.integers(0, 256, (20 + number, 30, 3), np.uint8)
        Image.fromarray(picture).save(photos / f"{number}.png")
    words = ["--calibration", str(photos.parent), "--output", str(tmp_path)]
    assert main(["convert", str(classifier), "--name", "kinds", *words]) == 0
    with np.load(tmp_path / "kinds" / "check.npz") as arrays:
        given = arrays["inputs/pixels"]
    assert given.shape == (3, 12, 10, 3)
    assert given.max() > 128
