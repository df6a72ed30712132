"""The images that a model is shown again while it learns from others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.desktop.mnist import rehearsal
from pi_edge.learning import mnist as data
from pi_edge.learning.measure import answers
from pi_edge.quiet import quiet
from pi_edge.verification import verify_files


def told(folder: Path) -> Any:
    return json.loads((folder / "model.json").read_bytes())


def packed(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(folder / "rehearsal.npz") as arrays:
        assert set(arrays.files) == {"images", "labels"}
        return arrays["images"], arrays["labels"]


def rows_in(images: np.ndarray, all_images: np.ndarray) -> list[int]:
    """Where each image is among all."""
    known = {image.tobytes(): row for row, image in enumerate(all_images)}
    return [known[image.tobytes()] for image in images]


@pytest.fixture
def folder(converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model for which so few images are chosen that some are left."""
    monkeypatch.setattr(rehearsal, "EACH", 10)
    return Path(shutil.copytree(converted, tmp_path / converted.name))


def test_those_that_the_model_is_least_sure_of_are_chosen_of_each_digit() -> None:
    labels = np.repeat(np.arange(10), 3).astype(np.uint8)
    chances = np.zeros((30, 10), np.float32)
    chances[np.arange(30), labels] = np.tile([0.9, 0.2, 0.5], 10)
    chosen = rehearsal.choose(chances, labels, np.arange(100, 130), each=2)
    expected = [100 + 3 * digit + place for digit in range(10) for place in (1, 2)]
    assert chosen.tolist() == expected


def test_of_equal_ones_the_first_are_chosen() -> None:
    labels = np.repeat(np.arange(10), 5).astype(np.uint8)
    chosen = rehearsal.choose(np.ones((50, 10), np.float32), labels, np.arange(50), each=2)
    assert chosen.tolist() == [5 * digit + place for digit in range(10) for place in (0, 1)]


def test_an_existing_model_gets_them_and_still_verifies(folder: Path, tiny_mnist: Path) -> None:
    before = told(folder)
    rehearsal.add(folder, tiny_mnist)
    about = told(folder).pop("rehearsal")
    assert {**told(folder), "rehearsal": about} == {**before, "rehearsal": about}
    assert (about["file"], about["images"], about["terms"]) == ("rehearsal.npz", 100, data.TERMS)
    assert verify_files(folder) == []


def test_they_are_training_images_that_were_not_held_out(folder: Path, tiny_mnist: Path) -> None:
    rehearsal.add(folder, tiny_mnist)
    images, labels = packed(folder)
    assert (images.dtype, images.shape, labels.dtype) == (np.uint8, (100, 28, 28), np.uint8)
    assert np.bincount(labels).tolist() == [10] * 10
    all_images, all_labels = data.read(tiny_mnist, "x_train"), data.read(tiny_mnist, "y_train")
    rows = rows_in(images, all_images)
    assert labels.tolist() == all_labels[rows].tolist()
    assert set(rows) <= set(data.split(len(all_labels)).training.tolist())
    chances = answers(folder / "float32.tflite", all_images)[np.arange(960), all_labels]
    left = sorted(set(data.split(960).training.tolist()) - set(rows))
    for digit in range(10):
        of_digit = [row for row in rows if all_labels[row] == digit]
        others = [row for row in left if all_labels[row] == digit]
        assert chances[of_digit].max() <= chances[others].min()


def test_the_same_are_chosen_again(folder: Path, tiny_mnist: Path) -> None:
    rehearsal.add(folder, tiny_mnist)
    first = (folder / "rehearsal.npz").read_bytes()
    rehearsal.add(folder, tiny_mnist)
    assert (folder / "rehearsal.npz").read_bytes() == first


def test_convert_writes_them_for_a_model_that_learns_from_examples(
    trained_state: Path, tiny_mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quiet():
        from pi_edge.desktop.mnist.convert import convert
    monkeypatch.setattr(rehearsal, "NAMES", ("mnist-mlp",))
    made = convert(
        "mnist-mlp", state=trained_state, output=tmp_path, given=tiny_mnist, say=lambda _: None
    )
    assert told(made)["rehearsal"]["images"] == len(packed(made)[0]) > 0
    assert verify_files(made) == []


def test_the_shipped_ones_are_mnists_and_small(shipped_models: Path, mnist: Path) -> None:
    folder = shipped_models / "mnist-cnn"
    images, labels = packed(folder)
    assert np.bincount(labels).tolist() == [200] * 10
    all_labels = data.read(mnist, "y_train")
    rows = rows_in(images, data.read(mnist, "x_train"))
    assert labels.tolist() == all_labels[rows].tolist()
    assert set(rows) <= set(data.split(len(all_labels)).training.tolist())
    assert (folder / "rehearsal.npz").stat().st_size < 500_000
    assert told(folder)["rehearsal"]["images"] == 2000
