from __future__ import annotations

import numpy as np
import pytest

from pi_edge.desktop.mnist import augment

SQUARE = np.zeros((1, 28, 28), np.uint8)
SQUARE[0, 10:18, 10:18] = 255


@pytest.mark.parametrize("sharp", [False, True])
def test_without_strength_an_image_stays_as_it_is(sharp: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    distorted = augment.distort(images, np.random.default_rng(1), strength=0.0, sharp=sharp)
    np.testing.assert_allclose(distorted, images, atol=0.05)


@pytest.mark.parametrize("sharp", [False, True])
def test_pixels_stay_in_their_range(sharp: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28)).astype(np.uint8)
    distorted = augment.distort(images, np.random.default_rng(1), sharp=sharp)
    assert distorted.dtype == np.float32
    assert distorted.min() >= 0
    assert distorted.max() <= 255


def test_each_image_is_distorted_on_its_own() -> None:
    distorted = augment.distort(np.repeat(SQUARE, 2, axis=0), np.random.default_rng(1))
    assert np.abs(distorted[0] - distorted[1]).max() > 50


def test_the_same_random_numbers_give_the_same_images() -> None:
    first, second = (augment.distort(SQUARE, np.random.default_rng([3, 1])) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_digit_stays_in_the_picture() -> None:
    many = augment.distort(np.repeat(SQUARE, 200, axis=0), np.random.default_rng(1))
    ink = many.sum(axis=(1, 2)) / SQUARE.sum()
    assert ink.min() > 0.6
    assert ink.max() < 2.0


@pytest.mark.parametrize("axis", [1, 2])
def test_distortions_have_no_preferred_direction(axis: int) -> None:
    many = augment.distort(np.repeat(SQUARE, 400, axis=0), np.random.default_rng(1))
    along = many.sum(axis=3 - axis)
    centre = (along * np.arange(28)).sum(axis=1) / along.sum(axis=1)
    assert abs(centre.mean() - 13.5) < 0.25


def test_sharp_distortion_keeps_thin_strokes_brighter() -> None:
    line = np.zeros((100, 28, 28), np.uint8)
    line[:, 4:24, 14] = 255
    soft, sharp = (
        augment.distort(line, np.random.default_rng(1), sharp=sharp) for sharp in (False, True)
    )
    brightest = [many[:, 10:18].max(axis=2).mean() for many in (soft, sharp)]
    assert brightest[1] > 1.05 * brightest[0]
