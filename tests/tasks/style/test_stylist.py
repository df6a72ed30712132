"""The graphs of a style model's file agree with each other."""

from __future__ import annotations

import json

import numpy as np
import pytest
from style_photos import TINY, waves

from pi_edge.errors import PiEdgeError
from pi_edge.model import Model
from pi_edge.tasks.style import folding, frames, noise, render, tiling
from pi_edge.tasks.style.stylist import MARGIN, Stylist

STYLE = np.array([0.3, 0.7], np.float32)


def test_a_filled_tile_gives_what_the_whole_graph_gives(
    stylist: Stylist, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = lambda rows, columns: np.zeros((len(rows), len(columns)), np.float32)  # noqa: E731
    monkeypatch.setattr(noise, "at", nothing)
    photo = waves(256, 256)
    inputs = {"photo": photo[None].astype(np.float32), "style": STYLE[None]}
    whole = Model(TINY / "float32.tflite").run(inputs)["picture"][0]
    around = tiling.mirrored(-MARGIN, 256 + MARGIN, 256)
    tile = stylist.tile(stylist.modulation(frames.windows(photo), STYLE))
    picture = tile(photo[around][:, around][None].astype(np.float32))[0]
    difference = np.abs(picture[MARGIN:-MARGIN, MARGIN:-MARGIN] - whole)
    # At the very edge the graphs pad differently, far from where a tile is used.
    assert difference[32:-32, 32:-32].max() < 0.1
    assert difference.mean() < 0.2
    assert np.abs(whole - photo).mean() > 10  # it does something


def test_smooth_parts_of_a_photo_get_noise(stylist: Stylist) -> None:
    grey = np.full((64, 80, 3), 128, np.uint8)
    picture = frames.styled_alone(stylist, grey, render.Options(STYLE)).astype(int)
    assert picture[..., 0].std() > 1


def test_filling_twice_starts_from_the_file_both_times(stylist: Stylist) -> None:
    photo = waves(64, 80)
    modulation = stylist.modulation(frames.windows(photo), STYLE)
    tile = np.full((1, 64, 64, 3), 90, np.float32)
    first = stylist.tile(modulation)(tile)
    assert (stylist.tile(modulation)(tile) == first).all()


def test_the_style_matters(stylist: Stylist) -> None:
    photo = waves(64, 80)
    tile = np.full((1, 64, 64, 3), 90, np.float32)
    one, other = (
        stylist.tile(stylist.modulation(frames.windows(photo), style))(tile)
        for style in np.eye(2, dtype=np.float32)
    )
    assert np.abs(one - other).max() > 1


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (33, 7)])
def test_statistics_are_taken_of_pictures_of_any_shape(
    stylist: Stylist, size: tuple[int, int]
) -> None:
    assert np.isfinite(stylist.modulation(frames.windows(waves(*size)), STYLE)).all()


def test_a_model_json_without_a_plan_is_refused_in_a_line() -> None:
    with pytest.raises(PiEdgeError, match="convert it again"):
        Stylist(TINY / "float32.tflite", {"file": "float32.tflite"})


def test_a_plan_of_another_file_is_refused() -> None:
    told = json.loads((TINY / "model.json").read_text())["variants"]["float32"]
    plan = folding.read_plan(told)
    with pytest.raises(PiEdgeError, match=r"not as model.json says"):
        folding.fold(b"short", plan, np.zeros(plan.length, np.float32))
