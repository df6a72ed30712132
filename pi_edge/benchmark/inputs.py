"""Something sensible to feed a model while its time is taken."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pi_edge.model import TensorSpec

PICTURE = 256
"""Height and width of the picture that a model for pictures of any size gets."""


def choose(specs: Sequence[TensorSpec], folder: Path) -> tuple[dict[str, np.ndarray], str]:
    """Inputs for one inference of one example, and where they come from.

    The first example of check.npz (arrays named ``inputs/NAME``) where the folder has one that
    fits, since a network's time can depend on what it sees; else made up. Where height and width
    are free, the picture is PICTURE pixels square: mirrored or cut.

    Returns:
        An array per input name, and "check.npz" or "made up".
    """
    examples = _examples(folder / "check.npz")
    chosen = {}
    for spec in specs:
        array = examples.get(f"inputs/{spec.name}")
        if array is None or array.ndim != len(spec.shape) or array.ndim == 0:
            return made_up(specs), "made up"
        array = array[: abs(spec.shape[0])]
        if array.dtype != spec.dtype or any(
            want not in (-1, got) for want, got in zip(spec.shape, array.shape, strict=True)
        ):
            return made_up(specs), "made up"
        if _any_size(spec):
            array = array[:, _mirrored(array.shape[1])][:, :, _mirrored(array.shape[2])]
        chosen[spec.name] = np.ascontiguousarray(array)
    return chosen, "check.npz"


def whole(specs: Sequence[TensorSpec], folder: Path) -> tuple[dict[str, np.ndarray], str]:
    """Like `choose`, but every example as it is: to compare answers, not times."""
    examples = _examples(folder / "check.npz")
    found = {spec.name: examples.get(f"inputs/{spec.name}") for spec in specs}
    arrays = {name: array for name, array in found.items() if array is not None}
    return (arrays, "check.npz") if len(arrays) == len(found) else (made_up(specs), "made up")


def made_up(specs: Sequence[TensorSpec]) -> dict[str, np.ndarray]:
    """The same every time: floats spread over 0 to 1, zeros of every other dtype (a random
    integer might be an index out of a table's range). Free dimensions are 1, a free height and
    width PICTURE."""
    random = np.random.default_rng(0)
    arrays = {}
    for spec in specs:
        shape = tuple(abs(n) for n in spec.shape)
        if _any_size(spec):
            shape = (shape[0], PICTURE, PICTURE, shape[3])
        if np.issubdtype(spec.dtype, np.floating):
            arrays[spec.name] = random.random(shape).astype(spec.dtype)
        else:
            arrays[spec.name] = np.zeros(shape, spec.dtype)
    return arrays


def _any_size(spec: TensorSpec) -> bool:
    """Whether it takes pictures [n, height, width, channels] of any height and width."""
    return len(spec.shape) == 4 and spec.shape[1] == spec.shape[2] == -1


def _mirrored(length: int) -> np.ndarray:
    """Indices that make PICTURE rows of `length`, to and fro."""
    there = np.arange(length)
    return np.resize(np.concatenate([there, there[::-1]]), PICTURE)


def _examples(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files if name.startswith("inputs/")}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return {}
