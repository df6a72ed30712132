"""How far a regression's .tflite file is from its line in double precision. No TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi_edge.learning.least_squares import Fit
from pi_edge.model import Model

_EPSILON32 = 2.0**-23
BATCH = 1000


@dataclass(frozen=True)
class Differences:
    """The largest over all rows.

    Attributes:
        largest: in the target's unit.
        relative: as a part of the prediction, or of the predictions' standard deviation where
            that is larger: a prediction of zero has no relative difference.
    """

    largest: float
    relative: float


def tflite_answers(path: Path, x: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float32]:
    """What the file gives for rows x [n, k]: [n]."""
    model = Model(path)
    parts = [
        model.run({"x": x[start : start + BATCH].astype(np.float32)})["y"][:, 0]
        for start in range(0, len(x), BATCH)
    ]
    return np.concatenate(parts)


def differences(path: Path, fit: Fit, x: NDArray[np.float64]) -> Differences:
    """Measure the file on rows x [n, k]."""
    line = fit.predict(x)
    apart = np.abs(tflite_answers(path, x) - line)
    sizes = np.maximum(np.abs(line), line.std())
    parts = np.divide(apart, sizes, out=np.zeros_like(apart), where=sizes > 0)
    return Differences(float(apart.max()), float(parts.max()))


def rounding(
    fit: Fit, x: NDArray[np.float64], centre: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """How far float32 may be from the line in each row of x [n, k]: half a unit in the last place
    for each value, product and sum (Higham, Accuracy and Stability, 2002, section 3.1).

    Args:
        centre: [k], what the file is centred at; the mean of x unless told.
    """
    middle = x.mean(0) if centre is None else centre
    terms = np.abs(x) + np.abs(x - middle)
    size = terms @ np.abs(np.array(fit.coefficients)) + 2 * np.abs(fit.predict(middle[None]))
    bound: NDArray[np.float64] = _EPSILON32 / 2 * (len(fit.columns) + 3) * size
    return bound
