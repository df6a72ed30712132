"""Windows on a photo, which its statistics are taken from."""

from __future__ import annotations

import numpy as np
import pytest
from style_photos import waves

from pi_edge.tasks.style import frames, noise, photo, sampling
from pi_edge.tasks.style.stylist import BORDER, MULTIPLE


def test_a_small_photo_is_taken_whole() -> None:
    (window,) = frames.windows(waves(200, 304))
    assert window.shape == (200 + 2 * BORDER, 304 + 2 * BORDER, 3)


def test_windows_show_the_photo_as_sharp_as_it_is() -> None:
    pixels = waves(800, 1200)
    windows = frames.windows(pixels)
    side = sampling.SIDE + 2 * BORDER
    assert windows.shape == (16, side, side, 3)
    top, left = 800 // 8 - side // 2, 1200 // 8 - side // 2
    seen = noise.at(np.arange(top, top + side), np.arange(left, left + side))
    cut = pixels[top : top + side, left : left + side]
    np.testing.assert_allclose(windows[0] - seen[..., None], cut, atol=1e-3)


def test_windows_lie_all_over_a_large_photo() -> None:
    pixels = np.zeros((2000, 3000, 3), np.uint8)
    pixels[:, 1500:, 0] = 200
    pixels[1000:, :, 1] = 200
    means = frames.windows(pixels).mean((0, 1, 2))
    assert 60 < means[0] < 140
    assert 60 < means[1] < 140
    assert abs(means[2]) < 10


@pytest.mark.parametrize("size", [(1, 1), (3, 40_000), (40_000, 3), (257, 256), (300, 301)])
def test_photos_of_any_shape_have_windows(size: tuple[int, int]) -> None:
    windows = frames.windows(waves(*size))
    assert np.isfinite(windows).all()
    assert all(length % MULTIPLE == 0 for length in windows.shape[1:3])


def test_rows_are_read_no_further_than_needed() -> None:
    class Counting(photo.StripReader):
        channels, rows = 4, 0

        def read(self, into: np.ndarray) -> None:
            into[:] = 9
            self.rows += len(into)

    reader = Counting()
    assert sampling.read(reader, 5000, 400).shape[-1] == 3
    assert reader.rows < 4700
