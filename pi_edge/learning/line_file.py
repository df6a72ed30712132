"""A line as a .tflite file: which three constants it has, and what they are for a given line.

The file computes y = (x - centre) * coefficients + height: in the middle of the data, where the
differences are small, so that float32 loses nothing to a column's offset. The height is the line's
own at the centre as float32 has it. `convert` makes the file and writes down in model.json which
buffer holds which constant; whoever learns puts others there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.learning import buffers
from pi_edge.learning.least_squares import Fit
from pi_edge.learning.line_measure import Differences

VARIANT = "float32"
CHECK_ROWS = 16
NEGLIGIBLE = 1e-3
"""What float32 may cost, as a part of the target's standard deviation."""

Array = NDArray[np.float64]


def constants(fit: Fit, centre: Array) -> dict[str, NDArray[np.float32]]:
    """The constants by name, for a file centred at ``centre`` [columns]."""
    rounded = centre.astype("<f4")
    height = fit.predict(rounded[None].astype(np.float64))
    return {
        "centre": rounded,
        "coefficients": np.array(fit.coefficients, "<f4"),
        "height": height.astype("<f4"),
    }


def write(
    source: Path, target: Path, weights: Any, values: Mapping[str, NDArray[np.float32]]
) -> None:
    """Write a copy of a line's file with other constants.

    Args:
        weights: model.json's ["training"]["weights"].

    Raises:
        PiEdgeError: model.json does not tell where they are, or ``source`` is another file.
    """
    try:
        places = {name: int(weights[name]["places"][VARIANT]["buffer"]) for name in values}
    except (KeyError, TypeError, ValueError) as error:
        raise PiEdgeError(
            f"{source.with_name('model.json')} does not tell where {source.name} has its numbers"
            f" ({error!r}): convert the model again"
        ) from None
    buffers.write(source, target, {places[name]: array.tobytes() for name, array in values.items()})


def check_range(name: str, fit: Fit, x: Array, y: Array) -> None:
    """See that float32 can hold rows x [n, k], y [n] and the line.

    Raises:
        BadInput: it cannot.
    """
    most, least = 2.0**126, 2.0**-126
    for column, slope, values in zip(fit.columns, fit.coefficients, x.T, strict=True):
        if np.abs(values).max() > most or not (slope == 0 or least <= abs(slope) <= most):
            raise BadInput(
                f"{name}: {column!r} or its coefficient {slope:.3g} is beyond what float32 "
                "holds (1e-38 to 3e38): give the column in other units"
            )
    if np.abs(y).max() > most:
        raise BadInput(f"{name}: the target is beyond float32: give it in other units")


def check_precision(name: str, fit: Fit, x: Array, deviation: float, measured: Differences) -> None:
    """See that the file is near enough to the line on rows x [n, k].

    Args:
        deviation: the target's standard deviation.

    Raises:
        BadInput: it is not.
    """
    if measured.largest <= NEGLIGIBLE * deviation:
        return
    lost = np.abs(x - x.astype(np.float32)).max(0) * np.abs(fit.coefficients)
    worst = int(lost.argmax())
    raise BadInput(
        f"{name}: float32 would be {measured.largest:.2g} from the line, for it cannot hold "
        f"the values of {fit.columns[worst]!r} (about {x[:, worst].mean():.6g}, give or "
        f"take {x[:, worst].std():.2g}): subtract a constant from that column"
    )


def spread(predictions: Array) -> list[int]:
    """Rows for check.npz: evenly from the lowest prediction to the highest."""
    order = predictions.argsort(kind="stable")
    steps = np.linspace(0, len(order) - 1, min(CHECK_ROWS, len(order)))
    return [int(order[round(at)]) for at in steps]
