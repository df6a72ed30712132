"""Whether rows of several requests may be computed in one inference: only where each then gets what
it would have got alone, to the bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pi_edge.model import Model


def possible(model: Model) -> bool:
    """Whether every input and output has any number of rows, as its first dimension."""
    return all(spec.shape[:1] == (-1,) for spec in (*model.inputs, *model.outputs))


def rows(example: Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """``count`` rows that differ: the example's first one, weaker and weaker."""
    return {
        name: np.stack(
            [(array[0] * (1 - i / (2 * count))).astype(array.dtype) for i in range(count)]
        )
        for name, array in example.items()
    }


def same(model: Model, arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether all rows together give what each gives alone.

    Raises:
        PiEdgeError: the model does not work so.
    """
    count = len(next(iter(arrays.values())))
    all_at_once = model.run(arrays)
    for i in range(count):
        alone = model.run({name: array[i : i + 1] for name, array in arrays.items()})
        for name, output in alone.items():
            if all_at_once[name].shape[:1] != (count,):
                return False
            if not np.array_equal(output, all_at_once[name][i : i + 1], equal_nan=True):
                return False
    return True
