"""The style network: what it computes, whatever it has learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_pictures import made_photo

from pi_edge.quiet import quiet


@pytest.fixture(scope="module")
def network(tensorflow: Any) -> Any:
    with quiet():
        from pi_edge.desktop.style import network
    return network


@pytest.fixture(scope="module")
def shape(network: Any) -> Any:
    return network.Shape(styles=2, half=4, quarter=6, eighth=8, before=1, deep=1, after=1)


@pytest.fixture(scope="module")
def weights(network: Any, shape: Any) -> Any:
    """Random, also where a fresh network has ones and zeros."""
    random = np.random.default_rng(1)
    return {
        name: value + random.normal(0, 0.3, value.shape).astype(np.float32)
        for name, value in network.init(shape, 0).items()
    }


def test_the_shipped_shape_has_219_908_weights(network: Any) -> None:
    assert network.count(network.init(network.Shape())) == 219_908


def test_a_fresh_network_gives_back_nearly_the_photo(network: Any) -> None:
    shape = network.Shape(styles=1)
    photo = np.full((32, 32, 3), 128, np.uint8)
    photo[:, 16:] = (230, 128, 40)
    picture = network.stylise(network.init(shape), shape, photo, np.ones(1, np.float32))
    assert np.corrcoef(picture.ravel(), photo.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("size", [(40, 48), (41, 47), (64, 33)])
def test_a_picture_is_as_large_as_its_photo(
    network: Any, shape: Any, weights: Any, size: tuple[int, int]
) -> None:
    photo = made_photo(1, *size)
    picture = network.stylise(weights, shape, photo, np.array([0.3, 0.7], np.float32))
    assert picture.shape == (*size, 3)
    assert 0 <= picture.min() <= picture.max() <= 255


def test_each_style_gives_another_picture_and_a_mix_one_in_between(
    network: Any, shape: Any, weights: Any
) -> None:
    photo = made_photo(1, 40, 40)
    one, two, mix = (
        network.stylise(weights, shape, photo, np.array(style, np.float32))
        for style in ([1, 0], [0, 1], [0.5, 0.5])
    )
    apart = np.abs(one - two).mean()
    assert apart > 1
    assert max(np.abs(mix - one).mean(), np.abs(mix - two).mean()) < apart


def test_the_margin_does_not_enter_the_statistics(
    network: Any, shape: Any, weights: Any, tensorflow: Any
) -> None:
    x = np.random.default_rng(0).normal(size=(1, 12, 14, 3)).astype(np.float32)
    spoiled = x.copy()
    spoiled[:, :2], spoiled[:, :, -2:] = 1e6, -1e6
    mean, variance = network.statistics(tensorflow.constant(spoiled), 2)
    inside = x[:, 2:-2, 2:-2]
    np.testing.assert_allclose(mean, inside.mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(variance, inside.var((1, 2)), atol=1e-5)


def test_a_photo_moved_by_whole_blocks_gives_the_picture_moved(
    network: Any, shape: Any, weights: Any, tensorflow: Any
) -> None:
    # The statistics must not change, so the photo is periodic and so is the shift.
    photo = np.tile(made_photo(2, 32, 32), (6, 6, 1))[None].astype(np.float32)
    moved = np.roll(photo, (8, 16), (1, 2))
    style = tensorflow.constant([[1.0, 0.0]])
    margin = 64
    first, second = (
        network.forward(weights, shape, tensorflow.constant(x), style, margin).numpy()[
            :, margin:-margin, margin:-margin
        ]
        for x in (photo, moved)
    )
    np.testing.assert_allclose(np.roll(first, (8, 16), (1, 2)), second, atol=0.05)


def test_the_edge_is_continued_so_that_it_does_not_show(
    network: Any, shape: Any, weights: Any, tensorflow: Any
) -> None:
    """A plain picture stays plain to its edge; zeros inside would frame it."""
    plain = np.full((1, 64, 64, 3), 90, np.float32)
    style = tensorflow.constant([[1.0, 0.0]])
    picture = network.forward(weights, shape, tensorflow.constant(plain), style, 8).numpy()
    inside = picture[0, 8:-8, 8:-8]
    assert np.abs(inside - inside[0, 0]).max() < 1e-3


def test_a_photo_is_seen_under_noise_of_its_own_coordinates(
    network: Any, shape: Any, weights: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[np.ndarray, np.ndarray]] = []

    def none_at(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        asked.append((rows, columns))
        return np.zeros((len(rows), len(columns)), np.float32)

    photo, style = made_photo(1, 40, 48), np.array([1, 0], np.float32)
    seeded = network.stylise(weights, shape, photo, style)
    monkeypatch.setattr(network.noise, "at", none_at)
    bare = network.stylise(weights, shape, photo, style)
    assert np.abs(seeded - bare).mean() > 0.1
    ((rows, columns),) = asked
    assert (rows[network.MARGIN], columns[network.MARGIN]) == (0, 0)
    assert rows[0] < 0


def test_doubling_repeats_every_pixel(network: Any, tensorflow: Any) -> None:
    x = np.arange(12, dtype=np.float32).reshape(1, 2, 3, 2)
    doubled = network.double(tensorflow.constant(x)).numpy()
    np.testing.assert_array_equal(doubled, x.repeat(2, 1).repeat(2, 2))


def test_the_widening_kernel_is_doubling_then_convolving(network: Any, tensorflow: Any) -> None:
    random = np.random.default_rng(0)
    x = tensorflow.constant(random.normal(size=(1, 5, 7, 4)).astype(np.float32))
    kernel = random.normal(size=(3, 3, 4, 3)).astype(np.float32)
    plain = tensorflow.nn.conv2d(network.double(x), kernel, 1, "SAME")
    wide = tensorflow.nn.conv2d(x, network.widening_kernel(kernel), 1, "SAME")
    np.testing.assert_allclose(tensorflow.nn.depth_to_space(wide, 2), plain, atol=1e-4)


def test_only_scales_offsets_and_colours_are_a_style_s_own(network: Any, shape: Any) -> None:
    weights = network.init(shape)
    more = network.init(replace(shape, styles=3))
    grown = {name for name in weights if weights[name].shape != more[name].shape}
    assert grown == {name for name in weights if network.is_per_style(name)}
