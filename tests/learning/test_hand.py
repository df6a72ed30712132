"""The made-up hand is one person's: always the same habits, never the same digit twice."""

from __future__ import annotations

from pathlib import Path

import hand
import numpy as np
import pytest

from pi_edge.model import Model


@pytest.fixture(scope="module")
def written() -> tuple[np.ndarray, np.ndarray]:
    return hand.write(300, seed=1)


def test_the_same_seed_writes_the_same(written: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = hand.write(300, seed=1)
    np.testing.assert_array_equal(images, written[0])
    np.testing.assert_array_equal(labels, written[1])
    assert not np.array_equal(hand.write(300, seed=2)[0], images)


def test_each_digit_is_as_frequent_as_every_other(written: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = written
    assert (images.shape, images.dtype) == ((300, 28, 28), np.uint8)
    assert np.bincount(labels).tolist() == [30] * 10


def test_no_two_are_alike(written: tuple[np.ndarray, np.ndarray]) -> None:
    assert len({image.tobytes() for image in written[0]}) == 300


def test_digits_are_as_large_as_mnists_and_where_those_are(
    written: tuple[np.ndarray, np.ndarray],
) -> None:
    for image in written[0]:
        extents = [np.flatnonzero(image.any(axis)) for axis in (0, 1)]
        assert max(np.ptp(extent) for extent in extents) + 1 == 20
        middle = [image.sum(axis) @ np.arange(28) / image.sum() for axis in (0, 1)]
        np.testing.assert_allclose(middle, 13.5, atol=0.6)
        assert not image[[0, -1]].any()


def test_it_tilts_backward_and_another_hand_need_not() -> None:
    def tilt(images: np.ndarray) -> float:
        """How far left the upper half's ink is of the lower half's, in pixels, on average."""
        columns = np.arange(28)
        upper, lower = images[:, :14].sum(1), images[:, 14:].sum(1)
        return float(np.mean(lower @ columns / lower.sum(1) - upper @ columns / upper.sum(1)))

    assert tilt(hand.write(100, seed=1)[0]) > 3
    assert tilt(hand.write(100, seed=1, hand=hand.Hand(tilt=-0.3, lean=0))[0]) < -1


def test_the_shipped_model_misreads_some_of_it(
    written: tuple[np.ndarray, np.ndarray], shipped_models: Path
) -> None:
    images, labels = written
    model = Model(shipped_models / "mnist-cnn" / "float32.tflite")
    read = model.run({"image": images.astype(np.float32)})["probabilities"].argmax(1)
    assert 0.85 <= (read == labels).mean() <= 0.95
    taken = {(int(label), int(digit)) for label, digit in zip(labels, read, strict=True)}
    assert {(1, 7), (4, 9)} <= taken
