"""Changing a photo's own pixels, coarse to fine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from made_pictures import made_painting, made_photo

from pi_edge.errors import BadInput
from pi_edge.quiet import quiet


@pytest.fixture(scope="module")
def optimise(tensorflow: Any) -> Any:
    with quiet():
        from pi_edge.desktop.style import optimise
    return optimise


def test_steps_are_shared_out_from_coarse_to_fine(optimise: Any) -> None:
    def told(iterations: int, side: int) -> list[tuple[int, int]]:
        return [(level.side, level.steps) for level in optimise.levels(iterations, side)]

    assert told(100, 1024) == [(256, 58), (512, 28), (1024, 14)]
    assert told(100, 500) == [(500, 100)]
    assert told(100, 200) == [(200, 100)]
    assert told(2, 1024) == [(512, 1), (1024, 1)]


@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 7, 50, 300])
@pytest.mark.parametrize("side", [64, 256, 511, 1000, 4000])
def test_no_step_is_lost(optimise: Any, iterations: int, side: int) -> None:
    found = optimise.levels(iterations, side)
    assert sum(level.steps for level in found) == iterations
    assert min(level.steps for level in found) >= 1
    assert found[-1].side == side


def test_the_picture_comes_nearer_to_the_painting(optimise: Any, tiny_features: Any) -> None:
    seen: list[tuple[int, float]] = []
    photo, painting = made_photo(1), made_painting(1)

    def watch(picture: np.ndarray, done: int, losses: dict[str, float]) -> None:
        assert (picture.shape, picture.dtype) == (photo.shape, np.uint8)
        seen.append((done, losses["total"]))

    picture = optimise.optimise(
        photo, painting, 30, preview=watch, every=12, features=tiny_features
    )
    assert (picture.shape, picture.dtype) == (photo.shape, np.uint8)
    assert [done for done, _ in seen] == [12, 24, 30]
    totals = [total for _, total in seen]
    assert totals == sorted(totals, reverse=True)


def test_a_smaller_side_gives_a_smaller_picture_of_the_same_proportions(
    optimise: Any, tiny_features: Any
) -> None:
    photo = made_photo(1, 80, 160)
    picture = optimise.optimise(photo, made_painting(1), 1, side=100, features=tiny_features)
    assert picture.shape == (50, 100, 3)


def test_a_photo_from_a_camera_is_reduced_unless_a_side_is_asked_for(
    optimise: Any, tiny_features: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimise, "SIDE", 80)
    photo, painting = made_photo(1, 96, 160), made_painting(1)
    assert optimise.optimise(photo, painting, 1, features=tiny_features).shape == (48, 80, 3)
    asked = optimise.optimise(photo, painting, 1, side=120, features=tiny_features)
    assert asked.shape == (72, 120, 3)


def test_the_larger_picture_begins_with_the_photo_s_own_detail(
    optimise: Any, tiny_features: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With steps that move nothing the result is the photo, however many sizes there are."""
    monkeypatch.setattr(optimise, "COARSEST", 32)
    monkeypatch.setattr(optimise, "RATE", 0.0)
    monkeypatch.setattr(optimise, "LEAST_RATE", 0.0)
    photo = made_photo(1, 128, 128)
    noisy = photo // 2 + np.random.default_rng(0).integers(0, 100, photo.shape).astype(np.uint8)
    picture = optimise.optimise(noisy, made_painting(1), 4, features=tiny_features)
    assert np.abs(picture.astype(int) - noisy).mean() < 2


@pytest.mark.parametrize(
    ("photo", "settings", "complaint"),
    [
        (made_photo(1), {"iterations": 0}, "0 iterations change nothing"),
        (made_photo(1, 20, 200), {}, "the photo is too small"),
        (made_photo(1), {"side": 30}, "the photo is too small"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    optimise: Any, tiny_features: Any, photo: np.ndarray, settings: Any, complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        optimise.optimise(photo, made_painting(1), features=tiny_features, **settings)
