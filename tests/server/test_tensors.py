"""Tensors on the wire whose shapes hold nothing, or more than NumPy takes."""

from __future__ import annotations

import numpy as np
import pytest

from pi_edge.errors import BadInput
from pi_edge.server import tensors


@pytest.mark.parametrize("shape", [[0, 2**63], [0, 2**62, 2**62], [0] + [1] * 100])
@pytest.mark.parametrize("datatype", ["FP32", "BYTES"])
def test_a_shape_of_nothing_beyond_what_there_can_be_is_refused(
    shape: list[int], datatype: str
) -> None:
    with pytest.raises(BadInput, match="is too large"):
        tensors.from_json("x", datatype, shape, [])
    with pytest.raises(BadInput, match="is too large"):
        tensors.from_bytes("x", datatype, shape, memoryview(b""))


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (0, 0), (2**50, 0)])
def test_the_classes_of_nothing_are_none(shape: tuple[int, ...]) -> None:
    classes = tensors.classify(np.empty(shape, np.float32), 2, [])
    assert classes.size == 0
    assert classes.shape[:-1] == shape[:-1]


def test_what_is_nested_too_deep_to_be_shown_is_complained_of_all_the_same() -> None:
    deep: list[object] = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(BadInput, match="nested so deeply"):
        tensors.from_json("x", deep, [1], [1])
