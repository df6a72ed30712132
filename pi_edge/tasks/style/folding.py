"""Fill a picture's normalisation into the tile graph of a style model's file.

The tile graph is convolutions and ReLU only: what conditional instance normalisation
(Dumoulin, Shlens, Kudlur 2017) does to a channel, a factor and a shift, is multiplied into the
kernel before it and becomes its bias. The constants lie in the file as plain numbers; the
converter noted where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import PiEdgeError


@dataclass(frozen=True)
class Place:
    """A normalised layer's constants in the file: a kernel [channels, taps] and a bias [channels],
    as byte offsets."""

    kernel: int
    bias: int
    channels: int
    taps: int


@dataclass(frozen=True)
class Plan:
    """Where the constants of a file's tile graph lie.

    Attributes:
        layers: in the order of the modulation's scales and shifts.
        matrix: byte offset of the colour matrix as a kernel [12, 2, 2, 3].
        offset: byte offset of the colours' offsets [12].
        dtype: of the kernels: float32 or float16; biases have the same.
    """

    layers: Sequence[Place]
    matrix: int
    offset: int
    dtype: str = "float32"

    @property
    def length(self) -> int:
        """Length of a modulation."""
        return 2 * sum(layer.channels for layer in self.layers) + 12


def read_plan(told: Mapping[str, Any]) -> Plan:
    """The plan that a variant in model.json tells of.

    Raises:
        PiEdgeError: it tells of none, or of none that makes sense.
    """
    try:
        plan = told["folding"]
        return Plan(
            [Place(*(int(n) for n in layer)) for layer in plan["layers"]],
            int(plan["matrix"]),
            int(plan["offset"]),
            str(plan["dtype"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise PiEdgeError(
            f"the style model's model.json does not say how its file is filled ({error!r}):"
            " convert it again"
        ) from error


def fold(contents: bytes, plan: Plan, modulation: NDArray[np.float32]) -> bytes:
    """The file with its tile graph filled for one modulation.

    Args:
        modulation: float32 [plan.length]: scale and shift of each layer's channels, then the
            colour matrix [3, 3] from the photo's colours (-2 to 2) to the picture's, and offsets.

    Raises:
        PiEdgeError: the plan points outside the file.
    """
    patched = bytearray(contents)
    taken = 0

    def numbers(start: int, *size: int) -> NDArray[Any]:
        try:
            flat = np.frombuffer(patched, plan.dtype, int(np.prod(size)), start)
        except ValueError as error:
            raise PiEdgeError(
                f"the style model's file is not as model.json says: {error}"
            ) from error
        return flat.reshape(size)

    for layer in plan.layers:
        scale, shift = modulation[taken : taken + 2 * layer.channels].reshape(2, -1)
        taken += 2 * layer.channels
        kernel = numbers(layer.kernel, layer.channels, layer.taps)
        kernel[:] = kernel * scale[:, None]
        numbers(layer.bias, layer.channels)[:] = shift
    matrix, offset = modulation[taken : taken + 9].reshape(3, 3), modulation[taken + 9 :]
    # Two by two pixels of three colours at once, each by the same matrix; the photo is 0 to 255
    # here and -2 to 2 there.
    blocks = np.zeros((2, 2, 3, 2, 2, 3), np.float32)
    for i, j in np.ndindex(2, 2):
        blocks[i, j, :, i, j] = matrix.T / 64
    numbers(plan.matrix, 12, 12)[:] = blocks.reshape(12, 12)
    numbers(plan.offset, 12)[:] = np.tile(offset - 2 * matrix.sum(0), 4)
    return bytes(patched)
