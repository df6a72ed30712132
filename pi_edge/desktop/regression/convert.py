"""Turn a fitted line into a .tflite file, measure it against the line in double precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import files, model_json
from pi_edge.desktop import signature
from pi_edge.desktop.regression import family_of, training
from pi_edge.desktop.regression.training import Trained
from pi_edge.errors import BadInput
from pi_edge.learning.least_squares import Fit
from pi_edge.learning.line_measure import Differences, differences, rounding, tflite_answers

VARIANT = "float32"
CHECK_ROWS = 16
NEGLIGIBLE = 1e-3
"""What float32 may cost, as a part of the target's standard deviation."""

LEFT_OUT = {
    "float16": "would round each coefficient to 11 bits to save 2 bytes a column",
    "int8": "would round each column to 256 steps to save 3 bytes a column",
}


def convert(
    name: str,
    *,
    state: Path,
    output: Path,
    given: Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Convert the fit called `name` in `state` into the folder `output`/`name`.

    `given` need not be: the numbers were kept with the fit. If it is, it must be the same file.
    """
    result = training.load(state, name, f"pi-edge train regression --name {name} --data ...")
    check_same(result, given)
    return write(result, output / name, "regression", {}, say=say)


def check_same(result: Trained, given: Path | None) -> None:
    """Refuse a data file that is not the one that was fitted.

    Raises:
        BadInput: it is another, or cannot be read.
    """
    if given is None:
        return
    if not given.is_file():
        raise BadInput(f"there is no file {given}")
    if files.sha256(given) != result.story["data"]["sha256"]:
        raise BadInput(f"{result.name} was not fitted to {given}: train it again with that first")


def write(
    result: Trained,
    folder: Path,
    family: str,
    more: Mapping[str, Any],
    *,
    say: Callable[[str], None] = print,
) -> Path:
    """Write the .tflite file, check.npz and model.json into ``folder``, model.json last.

    Args:
        more: what model.json says besides.

    Raises:
        BadInput: float32 cannot hold the columns' values, or the folder holds another model.
    """
    name, fit = result.name, result.fit
    there = folder / model_json.FILE
    if there.exists() and family_of(there) != family:
        raise BadInput(f"{folder} holds another kind of model: write elsewhere with --output")
    command = f"pi-edge convert {name}"
    _check_range(result)
    centre = result.x.mean(0).astype(np.float32)
    with model_json.scratch(folder) as made:
        path = made / f"{VARIANT}.tflite"
        path.write_bytes(tflite(fit, centre))
        measured = differences(path, fit, result.x)
        _check_precision(result, measured)
        examples = result.x[_spread(fit.predict(result.x))].astype(np.float32)
        checks = {"inputs/x": examples, f"{VARIANT}/y": tflite_answers(path, examples)[:, None]}
        story = dict(result.story)
        document = {
            "name": name,
            "task": "regression",
            "family": family,
            "default": VARIANT,
            "columns": list(fit.columns),
            "target": story.pop("target"),
            "intercept": fit.intercept,
            "coefficients": list(fit.coefficients),
            "statistics": {
                "intercept_standard_error": fit.intercept_standard_error,
                "standard_errors": fit.standard_errors and list(fit.standard_errors),
                "r_squared": fit.r_squared,
                "residual_standard_error": fit.residual_standard_error,
                "rows": fit.rows,
                "degrees_of_freedom": fit.degrees_of_freedom,
            },
            "variants": {
                VARIANT: model_json.variant(
                    path,
                    command,
                    rows=fit.rows,
                    largest_difference=float(f"{measured.largest:.3g}"),
                    largest_relative_difference=float(f"{measured.relative:.3g}"),
                    tolerance=float(f"{rounding(fit, result.x).max():.3g}"),
                )
            },
            "left_out": LEFT_OUT,
            "check": model_json.write_check(made, checks),
            "measured": model_json.measured_on(),
            **more,
            "trained": story,
        }
        model_json.publish(made, folder, document)
    say(
        f"{name} {VARIANT} {document['variants'][VARIANT]['bytes']:,} bytes, "
        f"{fit.rows} rows: at most {measured.largest:.2g} from the line in double precision, "
        f"{measured.relative:.2g} of a prediction; written to {folder}"
    )
    return folder


def tflite(fit: Fit, centre: NDArray[np.float32]) -> bytes:
    """Return the line as a .tflite file, x [-1, columns] -> y [-1, 1], all float32.

    It computes y = (x - centre) * coefficients + height: in the middle of the data, where the
    differences are small, so that float32 loses nothing to a column's offset. The height is the
    line's own at ``centre`` [columns] as float32 has it.
    """
    height = np.float32(fit.predict(centre[None].astype(np.float64))[0])
    slopes = np.array(fit.coefficients, np.float32)

    def serve(x: tf.Tensor) -> dict[str, tf.Tensor]:
        # No matmul: the converter would multiply it out to x * slopes - centre * slopes.
        return {"y": tf.reduce_sum((x - centre) * slopes, 1, keepdims=True) + height}

    with signature.converter(serve, {"x": [None, len(slopes)]}) as converter:
        return converter.convert()  # type: ignore[no-any-return]


def _check_range(result: Trained) -> None:
    most, least = 2.0**126, 2.0**-126
    for name, slope, values in zip(
        result.fit.columns, result.fit.coefficients, result.x.T, strict=True
    ):
        if np.abs(values).max() > most or not (slope == 0 or least <= abs(slope) <= most):
            raise BadInput(
                f"{result.name}: {name!r} or its coefficient {slope:.3g} is beyond what float32 "
                "holds (1e-38 to 3e38): give the column in other units"
            )
    if np.abs(result.y).max() > most:
        raise BadInput(f"{result.name}: the target is beyond float32: give it in other units")


def _check_precision(result: Trained, measured: Differences) -> None:
    allowed = NEGLIGIBLE * float(result.y.std())
    if measured.largest <= allowed:
        return
    fit = result.fit
    lost = np.abs(result.x - result.x.astype(np.float32)).max(0) * np.abs(fit.coefficients)
    worst = int(lost.argmax())
    raise BadInput(
        f"{result.name}: float32 would be {measured.largest:.2g} from the line, for it cannot hold "
        f"the values of {fit.columns[worst]!r} (about {result.x[:, worst].mean():.6g}, give or "
        f"take {result.x[:, worst].std():.2g}): subtract a constant from that column"
    )


def _spread(predictions: NDArray[np.float64]) -> list[int]:
    """Rows for check.npz: evenly from the lowest prediction to the highest."""
    order = predictions.argsort(kind="stable")
    steps = np.linspace(0, len(order) - 1, min(CHECK_ROWS, len(order)))
    return [int(order[round(at)]) for at in steps]
