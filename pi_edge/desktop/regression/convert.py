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
from pi_edge.learning import buffers, line_file, triangle
from pi_edge.learning.line_file import VARIANT
from pi_edge.learning.line_measure import differences, rounding, tflite_answers

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
    """Write the .tflite file, what it takes to learn on, check.npz and model.json into ``folder``,
    model.json last.

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
    line_file.check_range(name, fit, result.x, result.y)
    with model_json.scratch(folder) as made:
        path = made / f"{VARIANT}.tflite"
        contents, weights = template(len(fit.columns))
        path.write_bytes(contents)
        line_file.write(path, path, weights, line_file.constants(fit, result.x.mean(0)))
        measured = differences(path, fit, result.x)
        line_file.check_precision(name, fit, result.x, float(result.y.std()), measured)
        triangle.save(triangle.of(result.x, result.y), made / triangle.FILE)
        examples = result.x[line_file.spread(fit.predict(result.x))].astype(np.float32)
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
            "training": triangle.told(made / triangle.FILE, weights),
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


def template(count: int) -> tuple[bytes, dict[str, Any]]:
    """The .tflite file of a line of so many columns, x [-1, columns] -> y [-1, 1], all float32, and
    where its constants are, as model.json has it. What they are has yet to be written there.

    It is made with numbers that differ from each other and from 0 and 1, and looked through for
    them: the converter leaves out a height of 0, and keeps equal constants once.
    """
    numbers = np.random.default_rng(0).uniform(2, 3, 2 * count + 1).astype("<f4")
    known = {"centre": numbers[:count], "coefficients": numbers[count:-1], "height": numbers[-1:]}

    def serve(x: tf.Tensor) -> dict[str, tf.Tensor]:
        # No matmul: the converter would multiply it out to x * slopes - centre * slopes.
        lines = tf.reduce_sum((x - known["centre"]) * known["coefficients"], 1, keepdims=True)
        return {"y": lines + known["height"][0]}

    with signature.converter(serve, {"x": [None, count]}) as converter:
        contents = converter.convert()
    held = [contents[place] for place in buffers.find(contents)]
    places = {name: {VARIANT: _place(held, values)} for name, values in known.items()}
    return contents, {
        name: {"shape": list(known[name].shape), "places": place} for name, place in places.items()
    }


def _place(held: list[bytes], values: NDArray[np.float32]) -> dict[str, Any]:
    (number,) = (at for at, data in enumerate(held) if data == values.tobytes())
    return {"buffer": number, "axes": [0], "scale": 1.0, "dtype": "f4"}
