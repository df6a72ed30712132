"""The losses of style transfer, through a VGG16 of a few channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import CHANNELS, made_painting, made_photo

from pi_edge.errors import BadInput, NotFound
from pi_edge.quiet import quiet


@pytest.fixture(scope="module")
def losses(tensorflow: Any) -> Any:
    with quiet():
        from pi_edge.desktop.style import losses
    return losses


@pytest.fixture(scope="module")
def judges(tiny_features: Any, losses: Any) -> Any:
    """Makes a judge of a photo and paintings."""
    from pi_edge.desktop.style.judge import Judge, Weighting

    def make(photo: np.ndarray, *paintings: np.ndarray, weight: float = 5.0) -> Any:
        grams = losses.grams_of(paintings, tiny_features)
        return Judge(photo, grams, Weighting(weight), tiny_features)

    return make


def test_features_shrink_by_half_from_block_to_block(tiny_features: Any) -> None:
    found = tiny_features(np.zeros((2, 64, 48, 3), np.float32), ["relu1_2", "relu3_3", "relu4_3"])
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "relu1_2": (2, 64, 48, CHANNELS[1]),
        "relu3_3": (2, 16, 12, CHANNELS[3]),
        "relu4_3": (2, 8, 6, CHANNELS[4]),
    }


def test_a_file_that_holds_no_vgg_is_one_line(tensorflow: Any, tmp_path: Path) -> None:
    from pi_edge.desktop.style.perceptual import Vgg16

    (tmp_path / "wrong.h5").write_bytes(b"nothing")
    with pytest.raises(BadInput, match=r"wrong\.h5 does not hold VGG16"):
        Vgg16(tmp_path / "wrong.h5")


def test_the_photo_itself_loses_no_content(judges: Any) -> None:
    photo = made_photo(1, 64, 64)
    content, style, _, _ = judges(photo, made_painting(1, 64, 64))(photo[None])[0]
    assert content == 0
    assert style > 0.01


def test_the_painting_itself_loses_no_style(judges: Any) -> None:
    painting = made_painting(1, 64, 64)
    content, style, _, _ = judges(made_photo(1, 64, 64), painting)(painting[None])[0]
    assert style < 1e-6
    assert content > 0.01


def test_a_total_is_the_weighted_sum(judges: Any) -> None:
    judge = judges(made_photo(1, 64, 64), made_painting(1), made_painting(2), weight=3.0)
    found = judge(np.stack([made_photo(2, 64, 64), made_photo(3, 64, 64)]))
    assert found.shape == (2, 4)
    np.testing.assert_allclose(found[:, 3], found[:, :3] @ [1, 3, 0.5], rtol=1e-5)


def test_a_faint_photo_counts_by_the_floor_where_one_is_set(losses: Any) -> None:
    faint, other = np.full((1, 4, 4, 2), 0.1, np.float32), np.full((1, 4, 4, 2), 0.3, np.float32)
    assert float(losses.content_loss(other, faint, 1.0)[0]) == pytest.approx(0.04 / 1.001)
    assert float(losses.content_loss(other, faint)[0]) == pytest.approx(0.04 / 0.01)


def test_variation_is_the_mean_step_to_the_neighbours(losses: Any) -> None:
    stripes = np.zeros((1, 6, 6, 3), np.float32)
    stripes[:, ::2] = 255
    assert float(losses.variation_loss(stripes)[0]) == pytest.approx(1.0)
    assert float(losses.variation_loss(np.full((1, 6, 6, 3), 77, np.float32))[0]) == 0


def test_the_real_features_are_found_or_said_to_be_missing(tensorflow: Any) -> None:
    """With the real weights, edges found by relu1_1 follow the picture."""
    from support import missing

    from pi_edge.desktop.style import backbone
    from pi_edge.desktop.style.perceptual import Vgg16

    try:
        path = backbone.find()
    except NotFound as error:
        missing(str(error))
    picture = np.full((1, 32, 32, 3), 60, np.float32)
    picture[:, :, 16:] = 200
    found = Vgg16(path)(picture, ["relu1_1"])["relu1_1"].numpy()[0]
    assert found.shape == (32, 32, 64)
    flat, edge = found[16, 8], found[16, 16]
    assert np.abs(edge - flat).max() > 20
