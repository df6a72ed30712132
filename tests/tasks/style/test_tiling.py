"""Tiles cover a picture once, rows are read once, edges are mirrored."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pi_edge.tasks.style import tiling

SIZES = [(1, 1), (3, 500), (500, 3), (300, 400), (1224, 1632), (4000, 97)]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("pixels", [160 * 160, 400 * 300, 10**7])
def test_a_grid_covers_the_picture_within_the_pixels_allowed(
    height: int, width: int, pixels: int
) -> None:
    grid = tiling.grid(height, width, pixels, 48, 8)
    assert grid.rows * grid.tile_height >= height
    assert (grid.rows - 1) * grid.tile_height < height
    assert grid.columns * grid.tile_width >= width
    assert (grid.columns - 1) * grid.tile_width < width
    assert grid.tile_height % 8 == grid.tile_width % 8 == 0
    assert grid.shape[0] * grid.shape[1] <= pixels


def test_a_picture_that_fits_is_one_tile() -> None:
    grid = tiling.grid(300, 400, 400 * 500, 48, 8)
    assert (grid.rows, grid.columns) == (1, 1)


def test_a_line_goes_on_as_its_reflection() -> None:
    assert tiling.mirrored(-3, 8, 3).tolist() == [2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_spans_hold_what_this_and_later_rows_of_tiles_take(height: int, width: int) -> None:
    grid = tiling.grid(height, width, 200 * 200, 48, 8)
    spans = tiling.spans(grid)
    for row, (first, last) in enumerate(spans):
        assert first <= grid.tile_rows(row).min()
        assert last > grid.tile_rows(row).max()
    assert spans[0][0] == 0
    assert spans[-1][1] == height
    for before, after in itertools.pairwise(spans):
        assert before[0] <= after[0] <= before[1] <= after[1]


def test_taken_is_a_view_inside_and_mirrored_at_the_edge() -> None:
    pixels = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    inside = tiling.taken(pixels, np.arange(1, 4), np.arange(2, 5))
    assert np.shares_memory(inside, pixels)
    assert (inside == pixels[1:4, 2:5]).all()
    edge = tiling.taken(pixels, tiling.mirrored(-1, 2, 5), np.arange(2))
    assert (edge == pixels[[0, 0, 1], :2]).all()
