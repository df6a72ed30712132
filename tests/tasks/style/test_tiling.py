"""Tiles cover a picture once, rows are read once, edges are mirrored."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pi_edge.tasks.style import tiling

SIZES = [(1, 1), (3, 500), (500, 3), (300, 400), (1224, 1632), (4000, 97)]


def axes(grid: tiling.Grid) -> list[tiling.Axis]:
    return [grid.rows, grid.columns]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("pixels", [176 * 176, 400 * 300, 10**7])
def test_every_pixel_is_made_by_one_tile_away_from_its_ends(
    height: int, width: int, pixels: int
) -> None:
    grid = tiling.grid(height, width, pixels, 56, 32, 8)
    assert grid.shape[0] * grid.shape[1] <= pixels
    assert [axis.length for axis in axes(grid)] == [height, width]
    for axis in axes(grid):
        assert axis.tile % 8 == 0
        made = [axis.used(index) for index in range(axis.count)]
        assert [0, *(last for _, last in made)] == [*(first for first, _ in made), axis.length]
        for index, (first, last) in enumerate(made):
            assert first < last
            places = axis.places(index)
            assert first - places[0] >= (56 if index else 32)
            assert places[-1] + 1 - last >= (56 if index + 1 < axis.count else 32)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiles_begin_at_multiples_of_what_the_network_reduces_by(height: int, width: int) -> None:
    for axis in axes(tiling.grid(height, width, 200 * 200, 56, 32, 8)):
        assert all(axis.places(index)[0] % 8 == 0 for index in range(axis.count))


def test_a_picture_that_fits_is_one_tile() -> None:
    grid = tiling.grid(300, 400, 400 * 500, 56, 32, 8)
    assert grid.tiles == 1
    assert grid.shape == tiling.whole(300, 400, 32, 8).shape == (368, 464)


def test_no_room_for_margins_is_refused() -> None:
    with pytest.raises(ValueError, match="room for its margins"):
        tiling.grid(300, 400, 100 * 100, 56, 32, 8)


def test_a_line_goes_on_as_its_reflection() -> None:
    assert tiling.mirrored(-3, 8, 3).tolist() == [2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_spans_hold_what_this_and_later_rows_of_tiles_take(height: int, width: int) -> None:
    rows = tiling.grid(height, width, 200 * 200, 56, 32, 8).rows
    spans = rows.spans()
    for index, (first, last) in enumerate(spans):
        assert first <= rows.pixels(index).min()
        assert last > rows.pixels(index).max()
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


@pytest.mark.parametrize("length", [500, 777, 1224, 1632, 4001])
def test_no_tile_looks_farther_behind_an_edge_than_the_border(length: int) -> None:
    grid = tiling.grid(length, length, 400 * 400, 64, 16, 8)
    for axis in (grid.rows, grid.columns):
        places = np.concatenate([axis.places(index) for index in range(axis.count)])
        assert places.min() == -16
        assert length + 15 <= places.max() < length + 16 + 8
