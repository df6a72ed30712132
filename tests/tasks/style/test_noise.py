"""The noise under a photo: the same everywhere, without an end."""

from __future__ import annotations

import hashlib

import numpy as np

from pi_edge.tasks.style import noise


def test_the_field_is_the_same_on_every_machine() -> None:
    digest = hashlib.sha256(noise.field().astype("<f4").tobytes()).hexdigest()
    assert digest.startswith("7658e59f70b9cb9c")


def test_it_repeats_without_a_seam() -> None:
    field = noise.field()
    for axis in (0, 1):
        inside = np.abs(np.diff(field, axis=axis)).max()
        across = np.abs(np.take(field, 0, axis) - np.take(field, -1, axis)).max()
        assert across < inside


def test_it_goes_on_beyond_the_pictures_edges() -> None:
    found = noise.at(np.arange(-100, 1000), np.arange(470, 500))
    assert found.dtype == np.float32
    assert (found[:480] == found[480:960]).all()
    assert (found[100:580, 10:] == noise.field()[:, :20]).all()


def test_weights_are_a_cubic_convolutions() -> None:
    # Half a pixel after a node, six pixels apart: Keys' kernel at 13/12, 1/12, 11/12, 23/12.
    x = np.array([13, 1, 11, 23]) / 12
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = noise._weights(6) / noise._ONE
    np.testing.assert_allclose(weights[9, :4], np.where(x <= 1, near, far), atol=1e-4)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-4)
