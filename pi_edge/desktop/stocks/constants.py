"""Which of a .tflite file's constants are which, found by numbers that nothing else has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import PiEdgeError
from pi_edge.learning import buffers

VARIANTS = ("float32", "float16")
"""int8 has a scale for each layer, measured on what flows through the network, with TensorFlow."""

Places = dict[str, dict[str, Any]]


def find(contents: bytes, known: Mapping[str, NDArray[np.float32]], variant: str) -> Places:
    """Where in a file each of these is, as model.json has it.

    Raises:
        PiEdgeError: one is nowhere, or in two places.
    """
    held = [contents[place] for place in buffers.find(contents)]
    dtype = "f2" if variant == "float16" else "f4"
    return {key: _place(held, key, value, dtype) for key, value in known.items()}


def packed(value: NDArray[np.float32], place: Mapping[str, Any]) -> bytes:
    """A constant's bytes as a place holds them."""
    return (
        np.ascontiguousarray(value.transpose(place["axes"])).astype(f"<{place['dtype']}").tobytes()
    )


def _place(held: list[bytes], key: str, value: NDArray[np.float32], dtype: str) -> dict[str, Any]:
    for axes in ([1, 0], [0, 1]) if value.ndim == 2 else ([0],):
        place = {"axes": axes, "scale": 1.0, "dtype": dtype}
        wanted = packed(value, place)
        found = [at for at, data in enumerate(held) if _same(data, wanted, dtype)]
        if len(found) == 1:
            return {"buffer": found[0], **place}
    raise PiEdgeError(
        f"the converter has put {key} elsewhere than it used to: nothing can learn it"
    )


def _same(data: bytes, wanted: bytes, dtype: str) -> bool:
    """Whether two are the same numbers: where TensorFlow has computed one, its last digit may be
    another."""
    if len(data) != len(wanted):
        return False
    one, other = (np.frombuffer(some, f"<{dtype}").astype(np.float32) for some in (data, wanted))
    return bool(np.allclose(one, other, rtol=1e-6, atol=0))
