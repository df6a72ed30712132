"""The constants in a .tflite file are found, and others take their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi_edge.errors import PiEdgeError
from pi_edge.learning import buffers
from pi_edge.model import Model


@pytest.fixture
def contents(shipped_models: Path) -> bytes:
    return (shipped_models / "mnist-linear/float32.tflite").read_bytes()


def sizes(contents: bytes) -> list[int]:
    return [place.stop - place.start for place in buffers.find(contents)]


def test_weights_are_among_the_buffers(contents: bytes) -> None:
    assert 784 * 10 * 4 in sizes(contents)


def test_other_values_change_what_is_computed_and_nothing_else(
    contents: bytes, tmp_path: Path
) -> None:
    number = sizes(contents).index(10 * 4)
    bias = np.zeros(10, "<f4")
    bias[3] = 1000.0
    path = tmp_path / "changed.tflite"
    path.write_bytes(buffers.replaced(contents, {number: bias.tobytes()}))
    said = Model(path).run({"image": np.zeros((2, 28, 28), np.float32)})["probabilities"]
    assert said.argmax(1).tolist() == [3, 3]
    changed = buffers.find(contents)[number]
    after = path.read_bytes()
    assert after[: changed.start] == contents[: changed.start]
    assert after[changed.stop :] == contents[changed.stop :]


@pytest.mark.parametrize("number", [-1, 0, 10_000])
def test_values_of_another_size_or_place_are_refused(contents: bytes, number: int) -> None:
    with pytest.raises(PiEdgeError, match="does not have 40 bytes"):
        buffers.replaced(contents, {number: bytes(40)})


@pytest.mark.parametrize("size", [0, 7, 8, 30, 200])
def test_a_file_that_is_cut_off_is_refused(contents: bytes, size: int) -> None:
    with pytest.raises(PiEdgeError, match="tflite"):
        buffers.find(contents[:size])


def test_damage_anywhere_is_refused_or_finds_places_within_the_file(contents: bytes) -> None:
    random = np.random.default_rng(0)
    for _ in range(2000):
        damaged = bytearray(contents[:8000])
        for at in random.integers(8, len(damaged), 4):
            damaged[at] = random.integers(256)
        try:
            found = buffers.find(bytes(damaged))
        except PiEdgeError:
            continue
        assert all(0 <= place.start <= place.stop <= len(damaged) for place in found)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(PiEdgeError, match="cannot be read"):
        buffers.write(tmp_path / "none", tmp_path / "target", {})
    assert not (tmp_path / "target").exists()
