"""Fit a regression again and compare with its model.json. Needs no TensorFlow, writes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import catalog, runtime
from pi_edge.desktop.regression import data
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.learning import regression as learned
from pi_edge.learning import rows
from pi_edge.learning.least_squares import Fit, fit
from pi_edge.learning.line_measure import differences, rounding
from pi_edge.tasks import text_files
from pi_edge.verification import verify_files

SAME = 1e-8
"""Largest difference between two fits, as a part of a coefficient or of the largest prediction."""


def verify(
    folder: Path, *, given: Path | None = None, say: Callable[[str], None] = print
) -> list[str]:
    """Check the files of one model folder, then its coefficients and predictions.

    The table is the one `given`, else the one that model.json says it was fitted to.
    Returns a line for each disagreement, none if all is well.
    """
    problems = verify_files(folder)
    if problems:
        return problems
    told = json.loads((folder / "model.json").read_bytes())
    if "learned" in told:
        return verify_learned(folder, given, say)
    try:
        source = told["trained"]["data"]
        path = given or Path(source["path"])
        if given is None and not path.is_file():
            return [
                f"{folder}: files and check.npz are in order, but the table it was fitted to is "
                f"not at {path} any more: give it with --data FILE"
            ]
        contents = text_files.contents(path)
        sha256 = hashlib.sha256(contents).hexdigest()
        if sha256 != source["sha256"]:
            say(f"{path} is not the very file that {told['name']} was fitted to")
        without = told["trained"]["without"]
        numbers = data.select(data.read(contents, path), told["target"], without, path, sha256)
        if list(numbers.columns) != told["columns"]:
            return [f"{path} has the columns {list(numbers.columns)}, not {told['columns']}"]
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'model.json'} is not a regression's: {error!r}") from None
    return compare(folder, told, numbers.x, numbers.y, say)


def compare(
    folder: Path,
    told: Mapping[str, Any],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    say: Callable[[str], None],
) -> list[str]:
    """Fit x [n, k], y [n] again; hold model.json and the .tflite files against the result."""
    try:
        again = fit(x, y, told["columns"])
    except PiEdgeError as error:
        return [f"{folder}: {error}"]
    try:
        before = _line(told)
        claimed = dict(told["statistics"])
    except (KeyError, TypeError, ValueError) as error:
        return [f"{folder / 'model.json'} is not a regression's: {error!r}"]
    problems = []
    module, version = runtime.installed()
    say(f"{told['name']} in {module} {version}, fitted again to {len(y)} rows")
    say(f"  {'column':30} {'fitted again':>20} {'model.json':>20}")
    names = ("(intercept)", *again.columns)
    # A coefficient may be nothing but rounding: what it adds to a prediction is what counts.
    slacks = (SAME * float(np.abs(y).max()), *(SAME * y.std() / x.std(0)))
    deviations = (
        again.intercept_standard_error or 0.0,
        *(again.standard_errors or (0.0,) * len(again.columns)),
    )
    pairs = zip(_numbers(again), _numbers(before), strict=True)
    for name, (now, then), slack, deviation in zip(names, pairs, slacks, deviations, strict=True):
        say(f"  {name:30} {now:20.13g} {then:20.13g}")
        # Where columns say nearly the same, rounding moves a coefficient far within its error.
        if not abs(now - then) <= SAME * abs(now) + slack + 1e-7 * deviation:
            problems.append(f"{folder}: {name} is {now!r} here, model.json says {then!r}")
    for key in ("r_squared", "residual_standard_error", "rows", "degrees_of_freedom"):
        here, there = getattr(again, key), claimed.get(key)
        if here is None or there is None:
            same = here is there
        else:
            unit = float(y.std()) if key == "residual_standard_error" else 1.0
            same = bool(abs(here - there) <= SAME * (abs(here) + unit))
        if not same:
            problems.append(f"{folder}: {key} is {here!r} here, model.json says {there!r}")
    apart = float(np.abs(again.predict(x) - before.predict(x)).max())
    if not apart <= SAME * float(np.abs(y).max()):
        problems.append(f"{folder}: predictions differ by {apart:.3g} from the line fitted again")
    for variant, description in told["variants"].items():
        path = folder / description["file"]
        measured = differences(path, again, x)
        say(
            f"  {variant}: at most {measured.largest:.2g} from the line, {measured.relative:.2g} "
            f"of a prediction (model.json: {description.get('largest_difference')}, "
            f"{description.get('largest_relative_difference')})"
        )
        allowed = float(rounding(again, x).max())
        if not measured.largest <= allowed:
            problems.append(
                f"{path}: {measured.largest:.3g} from the line, at most {allowed:.3g} is rounding"
            )
    return problems


def verify_learned(folder: Path, given: Path | None, say: Callable[[str], None]) -> list[str]:
    """Check a line that has learned rows since it was fitted: against what it carries of all of
    them and, where a table of all of them is ``given``, against the fit to that."""
    entry = catalog.read(folder)
    line = learned.Line.of(entry)
    known = learned.known(entry, line)
    fits = {f"what it carries of {known.rows} rows": known.fit(line.fit.columns)}
    sizes = 1 / np.abs(known.r[1:-1, 1:-1]).max(0)  # of a coefficient, by the column's spread
    if given is not None:
        every = rows.read(given, line.fit.columns, line.target)
        fits[f"the {len(every.y)} rows of {given}"] = fit(every.x, every.y, line.fit.columns)
    problems = []
    for what, again in fits.items():
        say(f"{entry.name}, solved again from {what}")
        say(f"  {'column':30} {'solved again':>20} {'model.json':>20}")
        slacks = SAME * known.deviation() * float(np.sqrt(known.rows)) * np.append(1.0, sizes)
        pairs = zip(_numbers(again), _numbers(line.fit), strict=True)
        names = ("(intercept)", *again.columns)
        for name, (now, then), slack in zip(names, pairs, slacks, strict=True):
            say(f"  {name:30} {now:20.13g} {then:20.13g}")
            if not abs(now - then) <= SAME * abs(now) + slack:
                problems.append(f"{folder}: {name} is {now!r} here, model.json says {then!r}")
    x = learned.example_rows(entry)
    variant, path = entry.file()
    apart = differences(path, line.fit, x).largest
    allowed = float(rounding(line.fit, x, known.means()).max())
    say(f"  {variant}: at most {apart:.2g} from the line")
    if not apart <= allowed:
        problems.append(f"{path}: {apart:.3g} from the line, at most {allowed:.3g} is rounding")
    return problems


def _line(told: Mapping[str, Any]) -> Fit:
    """The line that model.json tells."""
    return Fit(
        columns=tuple(told["columns"]),
        intercept=float(told["intercept"]),
        coefficients=tuple(map(float, told["coefficients"])),
        intercept_standard_error=None,
        standard_errors=None,
        r_squared=0.0,
        residual_standard_error=None,
        rows=0,
        degrees_of_freedom=0,
    )


def _numbers(line: Fit) -> tuple[float, ...]:
    return (line.intercept, *line.coefficients)
