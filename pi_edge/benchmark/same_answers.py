"""Whether two machines give the same answers to the same questions."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pi_edge.verification import TOLERANCE


@dataclass(frozen=True)
class Agreement:
    """How far two machines' outputs are apart.

    Attributes:
        difference: the largest, in the outputs' unit; None where they cannot be compared.
        output: in which output.
        tolerance: up to where they count as the same.
        problem: why they are not the same, "" where they are.
    """

    difference: float | None
    output: str
    tolerance: float
    problem: str


def unpack(answer: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of a worker's answer."""
    with np.load(io.BytesIO(base64.b64decode(answer["npz"])), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def agreement(
    here: Mapping[str, np.ndarray], there: Mapping[str, np.ndarray], told: float | None
) -> Agreement:
    """Compare what answers.run returned on two machines.

    Args:
        told: the tolerance of the model's model.json; where there is none,
            verification.TOLERANCE, of the largest output where that is beyond 1.
    """
    ours, theirs = _outputs(here), _outputs(there)
    if str(here["sha256"]) != str(there["sha256"]):
        return Agreement(None, "", told or TOLERANCE, "the inputs were not the same")
    if ours.keys() != theirs.keys():
        return Agreement(None, "", told or TOLERANCE, "the outputs have other names there")
    tolerance = told if told is not None else TOLERANCE * max(1.0, *map(_largest, ours.values()))
    worst, where = 0.0, ""
    for name, array in ours.items():
        apart = difference(array, theirs[name])
        if apart is None:
            return Agreement(None, name, tolerance, f"{name} is not of the same kind there")
        if not apart < worst or not where:
            worst, where = apart, name
    if not worst <= tolerance:
        problem = f"{where} is {worst:.2g} apart, {tolerance:g} is allowed"
        return Agreement(worst if np.isfinite(worst) else None, where, tolerance, problem)
    return Agreement(worst, where, tolerance, "")


def difference(here: np.ndarray, there: np.ndarray) -> float | None:
    """The largest difference; infinite where one is not a number and the other is, None where
    shapes or kinds differ. Texts are 0 or infinitely apart."""
    if here.shape != there.shape or here.dtype != there.dtype:
        return None
    if here.size == 0:
        return 0.0
    if here.dtype.kind not in "fciub":
        return 0.0 if (here == there).all() else float("inf")
    wide = np.complex128 if here.dtype.kind == "c" else np.float64
    ours, theirs = here.astype(wide), there.astype(wide)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(ours - theirs))
    largest = float(np.where(np.isnan(apart), np.inf, apart).max())
    return largest


def _outputs(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = "outputs/"
    return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}


def _largest(array: np.ndarray) -> float:
    if array.dtype.kind not in "fciub" or array.size == 0:
        return 0.0
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max()) if finite.size else 0.0
