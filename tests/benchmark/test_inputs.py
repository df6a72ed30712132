from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi_edge.benchmark import inputs
from pi_edge.model import TensorSpec

IMAGE = TensorSpec("image", np.dtype(np.float32), (-1, 28, 28), 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = np.arange(3 * 28 * 28, dtype=np.float32).reshape(3, 28, 28)
    np.savez(tmp_path / "check.npz", **{"inputs/image": images, "float32/y": np.zeros(3)})
    return tmp_path


def test_the_first_example_of_check_npz(folder: Path) -> None:
    arrays, source = inputs.choose([IMAGE], folder)
    assert source == "check.npz"
    assert arrays["image"].shape == (1, 28, 28)
    assert arrays["image"][0, 0, 1] == 1


def test_a_model_with_a_fixed_batch_gets_that_many_examples(folder: Path) -> None:
    fixed = TensorSpec("image", np.dtype(np.float32), (2, 28, 28), 0)
    assert inputs.choose([fixed], folder)[0]["image"].shape == (2, 28, 28)


@pytest.mark.parametrize(
    "spec",
    [
        TensorSpec("picture", np.dtype(np.float32), (-1, 28, 28), 0),
        TensorSpec("image", np.dtype(np.uint8), (-1, 28, 28), 0),
        TensorSpec("image", np.dtype(np.float32), (-1, 32, 32), 0),
        TensorSpec("image", np.dtype(np.float32), (-1, 784), 0),
        TensorSpec("image", np.dtype(np.float32), (5, 28, 28), 0),
    ],
)
def test_examples_that_do_not_fit_are_not_used(folder: Path, spec: TensorSpec) -> None:
    arrays, source = inputs.choose([spec], folder)
    assert source == "made up"
    assert arrays[spec.name].shape == tuple(abs(n) for n in spec.shape)
    assert arrays[spec.name].dtype == spec.dtype


def test_a_damaged_check_npz_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "check.npz").write_bytes(b"PK\x03\x04 cut off")
    assert inputs.choose([IMAGE], tmp_path)[1] == "made up"


def test_made_up_inputs_are_the_same_every_time() -> None:
    first, second = inputs.made_up([IMAGE]), inputs.made_up([IMAGE])
    np.testing.assert_array_equal(first["image"], second["image"])
    assert 0 <= first["image"].min() < first["image"].max() < 1


def test_made_up_integers_are_zeros_since_they_may_be_indices() -> None:
    spec = TensorSpec("ids", np.dtype(np.int64), (1, 4), 0)
    assert not inputs.made_up([spec])["ids"].any()


def test_a_scalar_input_is_made_up(folder: Path) -> None:
    spec = TensorSpec("rate", np.dtype(np.float32), (), 0)
    assert inputs.choose([spec], folder)[0]["rate"].shape == ()


@pytest.mark.parametrize("side", [100, 300])
def test_a_picture_of_any_size_is_256_pixels_square(tmp_path: Path, side: int) -> None:
    photo = np.random.default_rng(0).random((2, side, side, 3), np.float32)
    style = np.eye(2, dtype=np.float32)
    np.savez(tmp_path / "check.npz", **{"inputs/photo": photo, "inputs/style": style})
    specs = [
        TensorSpec("photo", np.dtype(np.float32), (-1, -1, -1, 3), 0),
        TensorSpec("style", np.dtype(np.float32), (-1, 2), 1),
    ]
    arrays, source = inputs.choose(specs, tmp_path)
    assert source == "check.npz"
    assert {name: array.shape for name, array in arrays.items()} == {
        "photo": (1, 256, 256, 3),
        "style": (1, 2),
    }
    kept = min(side, 256)
    np.testing.assert_array_equal(arrays["photo"][0, :kept, :kept], photo[0, :kept, :kept])
    assert inputs.made_up(specs)["photo"].shape == (1, 256, 256, 3)


def test_all_examples_to_compare_answers_by(folder: Path) -> None:
    arrays, source = inputs.whole([IMAGE], folder)
    assert source == "check.npz"
    assert arrays["image"].shape == (3, 28, 28)


def test_without_examples_answers_are_compared_on_what_is_made_up(tmp_path: Path) -> None:
    arrays, source = inputs.whole([IMAGE], tmp_path)
    assert source == "made up"
    np.testing.assert_array_equal(arrays["image"], inputs.made_up([IMAGE])["image"])
