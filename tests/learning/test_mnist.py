from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi_edge.errors import BadInput, NotFound
from pi_edge.learning import mnist as data


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which MNIST is in none of the usual places."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PI_EDGE_DATA", raising=False)
    monkeypatch.setattr(data, "BESIDE_CHECKOUT", tmp_path / "shared" / "data")
    return tmp_path


def test_a_file_that_is_named_is_taken(bars: Path) -> None:
    assert data.find(bars) == bars


def test_a_folder_that_is_named_is_looked_into(bars: Path) -> None:
    assert data.find(bars.parent) == bars


def test_a_named_file_that_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no MNIST at .*mnist\.npz: --data takes") as caught:
        data.find(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_environment_may_name_the_folder(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch, bars: Path
) -> None:
    monkeypatch.setenv("PI_EDGE_DATA", str(bars.parent))
    assert data.find() == bars


def test_keras_own_folder_is_looked_into(nowhere: Path, bars: Path) -> None:
    path = nowhere / ".keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(bars.read_bytes())
    assert data.find() == path


def test_missing_data_is_said_with_the_place_to_put_it(nowhere: Path) -> None:
    with pytest.raises(NotFound) as caught:
        data.find()
    assert f"put Keras' mnist.npz at {nowhere}/.keras/datasets/mnist.npz" in str(caught.value)
    assert "--data" in str(caught.value)


def test_a_file_that_is_no_archive_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "mnist.npz").write_bytes(b"<html>not found</html>")
    with pytest.raises(BadInput, match="damaged or no"):
        data.read(tmp_path / "mnist.npz", "y_train")


def test_an_archive_of_something_else_is_said_so(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", images=np.zeros(3))
    with pytest.raises(BadInput, match="has no y_train"):
        data.read(tmp_path / "mnist.npz", "y_train")


def test_images_of_another_type_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros((2, 28, 28), np.float64))
    with pytest.raises(BadInput, match="holds float64, wanted uint8"):
        data.read(tmp_path / "mnist.npz", "x_train")


def test_images_and_labels_must_be_as_many(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    np.savez(path, x_train=np.zeros((2, 28, 28), np.uint8), y_train=np.zeros(3, np.uint8))
    with pytest.raises(BadInput, match=r"x_train is \(2, 28, 28\), wanted \(3, 28, 28\)"):
        data.unpack(path, "train", tmp_path)


def test_unpacked_rows_are_the_archives_rows(bars: Path, tmp_path: Path) -> None:
    digits = data.unpack(bars, "train", tmp_path)
    rows = [900, 3, 3, 959]
    with np.load(bars) as archive:
        np.testing.assert_array_equal(digits.images(rows), archive["x_train"][rows])
        np.testing.assert_array_equal(digits.labels, archive["y_train"])


def test_another_archive_is_not_taken_for_the_one_unpacked_before(
    bars: Path, tmp_path: Path
) -> None:
    data.unpack(bars, "train", tmp_path)
    other = tmp_path / "mnist.npz"
    np.savez(other, x_train=np.full((10, 28, 28), 9, np.uint8), y_train=np.zeros(10, np.uint8))
    assert data.unpack(other, "train", tmp_path).images([4]).max() == 9


def test_a_twelfth_is_held_out_and_never_trained_on() -> None:
    rows = data.split(60_000)
    assert len(rows.held_out) == 5_000
    assert sorted([*rows.training, *rows.held_out]) == list(range(60_000))


def test_the_same_images_are_held_out_every_time() -> None:
    np.testing.assert_array_equal(data.split(960).held_out, data.split(960).held_out)
