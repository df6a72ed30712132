"""Arrays in memory that two processes map."""

from __future__ import annotations

import os

import numpy as np
import pytest

from pi_edge.workers.shared import Shared, create


@pytest.fixture
def pair() -> tuple[Shared, Shared]:
    handle = create()
    return Shared(os.dup(handle)), Shared(handle)


def carried(pair: tuple[Shared, Shared], arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    here, there = pair
    return there.read(memoryview(here.write(arrays)))


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]
)
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 3)])
def test_an_array_arrives_as_it_was(
    pair: tuple[Shared, Shared], dtype: str, shape: tuple[int, ...]
) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    (name,) = arrived = carried(pair, {"x": array})
    assert (name, arrived["x"].dtype, arrived["x"].shape) == ("x", array.dtype, shape)
    np.testing.assert_array_equal(arrived["x"], array)


def test_text_arrives_as_it_was(pair: tuple[Shared, Shared]) -> None:
    text = np.array([[b"", b"a\0b"], ["\u00e4".encode(), b"x" * 1000]], object)
    assert carried(pair, {"t": text})["t"].tolist() == text.tolist()


def test_text_of_another_length_arrives_after_text_of_the_same_shape(
    pair: tuple[Shared, Shared],
) -> None:
    for text in (b"short", b"much longer than that", b""):
        assert carried(pair, {"t": np.array([text], object)})["t"].tolist() == [text]


def test_several_arrays_do_not_touch_each_other(pair: tuple[Shared, Shared]) -> None:
    arrays = {str(n): np.full(n, n, np.uint8) for n in range(1, 70)}
    arrived = carried(pair, arrays)
    assert all((arrived[name] == array).all() for name, array in arrays.items())
    assert arrived.keys() == arrays.keys()


def test_an_array_that_does_not_lie_in_one_piece_arrives_all_the_same(
    pair: tuple[Shared, Shared],
) -> None:
    array = np.arange(12).reshape(3, 4).T
    np.testing.assert_array_equal(carried(pair, {"x": array})["x"], array)


def test_it_grows_with_what_it_has_to_hold_and_both_sides_follow(
    pair: tuple[Shared, Shared],
) -> None:
    for size in (10, 1 << 17, 1 << 22, 10):
        array = np.random.default_rng(size).random(size)
        np.testing.assert_array_equal(carried(pair, {"x": array})["x"], array)
    here, there = pair
    back = here.read(memoryview(there.write({"y": np.ones(1 << 20)})))
    assert back["y"].sum() == 1 << 20


def test_the_same_shape_again_carries_the_new_values(pair: tuple[Shared, Shared]) -> None:
    for value in (1.0, 2.0, 3.0):
        assert carried(pair, {"x": np.full(3, value)})["x"].tolist() == [value] * 3


def test_another_shape_of_the_same_size_is_not_taken_for_the_one_before(
    pair: tuple[Shared, Shared],
) -> None:
    assert carried(pair, {"x": np.ones((2, 3))})["x"].shape == (2, 3)
    assert carried(pair, {"x": np.ones((3, 2))})["x"].shape == (3, 2)
    assert carried(pair, {"y": np.ones((3, 2))}).keys() == {"y"}


def test_nobody_can_make_it_smaller_under_the_others_feet() -> None:
    handle = create()
    with pytest.raises(PermissionError):
        os.ftruncate(handle, 1)


@pytest.mark.parametrize(
    "message", [b'[["x","<f4",[1000000],0,4000000]]', b'[["x","<f4",[1],-64,4]]', b'[["x"]]', b"7"]
)
def test_a_message_that_makes_no_sense_is_refused(
    pair: tuple[Shared, Shared], message: bytes
) -> None:
    with pytest.raises((ValueError, TypeError)):
        pair[0].read(memoryview(message))


def test_large_arrays_are_given_back_to_the_machine() -> None:
    handle = create()
    shared = Shared(handle)
    shared.write({"x": np.ones(1 << 21)})  # 16 MiB
    full = os.fstat(handle).st_blocks
    shared.release()
    assert os.fstat(handle).st_blocks < full / 10
