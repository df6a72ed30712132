"""A line learns new rows exactly: as if it had been fitted to the old and the new ones together.

Never by gradient steps. What the model carries of the rows it has seen (triangle.py) is brought up
to date, the line is solved again, and its three constants are written into a copy of the model's
file. Each new row is held back once, the exact way (Triangle.left_out): the learned line, fitted
to all but that row, must not miss the new rows by more than the one in service does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import catalog, model_json
from pi_edge.errors import BadInput, PiEdgeError, WrongUsage
from pi_edge.learning import guard, least_squares, line_file, rows, triangle
from pi_edge.learning.guard import HeldBack
from pi_edge.learning.least_squares import Fit
from pi_edge.learning.line_measure import differences, rounding, tflite_answers
from pi_edge.learning.order import SCRATCH, Order
from pi_edge.learning.rows import Rows
from pi_edge.learning.triangle import Triangle
from pi_edge.model import Model
from pi_edge.quiet import quiet
from pi_edge.verification import compare, expectations

Array = NDArray[np.float64]

SUSPICIOUS = 10
"""New rows that the line in service misses by so many times what it missed its own by are told of:
they may be in other units."""

_ROUNDING = 1e-9
"""A part of the largest target that errors may differ by and be the same."""

_OF_A_FAMILY = ("data", "lesson")
"""What only fire-theft's model.json tells, of its own 42 districts."""


@dataclass(frozen=True)
class Line:
    """A regression as its model.json tells it."""

    fit: Fit
    target: str

    @staticmethod
    def of(entry: catalog.Entry) -> Line:
        """Raises PiEdgeError: it tells no line."""
        try:
            told = entry.info
            statistics = dict(told["statistics"])
            fit = Fit(
                columns=tuple(map(str, told["columns"])),
                intercept=float(told["intercept"]),
                coefficients=tuple(map(float, told["coefficients"])),
                intercept_standard_error=statistics["intercept_standard_error"],
                standard_errors=statistics["standard_errors"],
                r_squared=float(statistics["r_squared"]),
                residual_standard_error=statistics["residual_standard_error"],
                rows=int(statistics["rows"]),
                degrees_of_freedom=int(statistics["degrees_of_freedom"]),
            )
            if not fit.columns or len(fit.columns) != len(fit.coefficients):
                raise ValueError("as many coefficients as columns are needed")
            return Line(fit, str(told["target"]))
        except (KeyError, TypeError, ValueError) as error:
            raise PiEdgeError(
                f"the model.json of {entry.name} tells no line ({error!r}): convert it again"
            ) from None


def learn(
    order: Order,
    *,
    say: Callable[[str], None] = print,
    tell: Callable[..., None] = lambda **_: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Learn the rows in ``order.data`` and let the result serve as ``order.name``; the folder it is
    in afterwards.

    Args:
        tell, stop: as other learners take them; this one is done before anybody could ask.

    Raises:
        WrongUsage: no file was named, or something that has no meaning here.
        NotFound, BadInput, TooLarge: the file cannot be learned from.
        PiEdgeError: the model cannot learn, or would get worse. What serves stays what it was.
    """
    if order.data is None:
        raise WrongUsage(f"say which rows {order.model.name} is to learn: --data FILE")
    if order.epochs is not None or order.examples or order.prices is not None:
        raise WrongUsage(
            "a line is solved exactly, from the rows in --data FILE: leave out --epochs,"
            " --examples and --prices"
        )
    began = time.monotonic()
    line = Line.of(order.model)
    new = rows.read(order.data, line.fit.columns, line.target)
    scratch = order.start == SCRATCH
    history = [] if scratch else rows.history(order.model.info)
    rows.check_new(new, history)
    if scratch:
        least_squares.fit(new.x, new.y, line.fit.columns)  # says what is wrong with them
        learned = triangle.of(new.x, new.y)
    else:
        learned = known(order.model, line).with_rows(new.x, new.y)
    fit = learned.fit(line.fit.columns)
    line_file.check_range(order.name, fit, new.x, new.y)
    held_back = compared(order, line, learned, new)
    guard.check(order.name, held_back)
    with quiet(), guard.making(order) as made:  # the runtime greets whoever loads a model
        document = _write(made, order, line, learned, fit, new)
        document["learned"] = {
            "from": SCRATCH if scratch else order.model.name,
            "method": triangle.METHOD,
            "data": new.told(),
            "examples": len(new.y),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 3),
            "earlier": history,
        }
        said = guard.go_live(made, order, document, held_back)
    _tell(order, line, fit, held_back, say)
    say(said)
    return catalog.owned_models(order.state) / order.name


def known(model: catalog.Entry, line: Line) -> Triangle:
    """What the model carries of the rows that it was fitted to.

    Raises:
        PiEdgeError: nothing, or it is damaged.
    """
    training = model.info.get("training")
    if not isinstance(training, dict) or training.get("file") != triangle.FILE:
        raise PiEdgeError(
            f"{model.name} does not carry what its line was fitted to: convert it again, or"
            " forget that with --from scratch"
        )
    folder = model.files[model.default].parent
    if problems := compare(folder, training):
        raise PiEdgeError(problems[0])
    return triangle.load(folder / triangle.FILE, len(line.fit.columns))


def compared(order: Order, line: Line, learned: Triangle, new: Rows) -> HeldBack:
    """How far the learned line and the one in service are from new rows that they never saw."""
    missed = float(np.abs(learned.left_out(new.x, new.y)).mean())
    before, chance = None, 0.0
    if (entry := guard.in_service(order)) is not None:
        serving = Line.of(entry)
        if (serving.fit.columns, serving.target) != (line.fit.columns, line.target):
            raise PiEdgeError(
                f"{order.name} predicts {serving.target!r} from other columns: choose another name"
            )
        if not np.isfinite(missed):
            raise BadInput(
                f"{new.path} has too few rows to hold one back: at least"
                f" {len(line.fit.columns) + 2} are needed"
            )
        before = float(np.abs(new.y - serving.fit.predict(new.x)).mean())
        # The mean of n errors strays by about the n-th part's root of one.
        sigma = serving.fit.residual_standard_error or 0.0
        chance = sigma / float(np.sqrt(len(new.y))) + _ROUNDING * float(np.abs(new.y).max())
    if not np.isfinite(missed):
        missed = 0.0  # nothing serves by this name, and the line goes through every row
    return HeldBack("mean absolute error", missed, before, len(new.y), False, chance)


def _write(
    made: Path, order: Order, line: Line, learned: Triangle, fit: Fit, new: Rows
) -> dict[str, Any]:
    """Write the model's files into ``made``; return model.json's contents."""
    model = order.model
    variant, source = model.file(line_file.VARIANT)
    path = made / source.name
    weights = dict(model.info.get("training", {})).get("weights")
    centre = learned.means()
    line_file.write(source, path, weights, line_file.constants(fit, centre))
    x = np.vstack([example_rows(model), new.x])
    measured = differences(path, fit, x)
    line_file.check_precision(order.name, fit, x, learned.deviation(), measured)
    examples = x[line_file.spread(fit.predict(x))].astype(np.float32)
    checks = {"inputs/x": examples, f"{variant}/y": tflite_answers(path, examples)[:, None]}
    triangle.save(learned, made / triangle.FILE)
    statistics = asdict(fit)
    for key in ("columns", "intercept", "coefficients"):
        del statistics[key]
    told = dict(model.info)
    if order.name != model.name:
        told = {key: value for key, value in told.items() if key not in _OF_A_FAMILY}
        told["family"] = "regression"
    if order.start == SCRATCH:
        told.pop("trained", None)
    return {
        **told,
        "name": order.name,
        "default": variant,
        "intercept": fit.intercept,
        "coefficients": list(fit.coefficients),
        "statistics": statistics,
        "variants": {
            variant: model_json.variant(
                path,
                f"pi-edge learn {order.model.name}",
                rows=fit.rows,
                largest_difference=float(f"{measured.largest:.3g}"),
                largest_relative_difference=float(f"{measured.relative:.3g}"),
                tolerance=float(f"{rounding(fit, x, centre).max():.3g}"),
            )
        },
        "check": model_json.write_check(made, checks),
        "training": triangle.told(made / triangle.FILE, weights or {}),
        "measured": model_json.measured_on(),
    }


def example_rows(model: catalog.Entry) -> Array:
    """The rows that the model's check asks for, [n, k]: they tell where the old rows are."""
    variant, path = model.file(line_file.VARIANT)
    check = expectations(model, variant, Model(path).inputs)
    count = len(model.info["columns"])
    given = np.empty((0, count)) if check is None else check[0]["x"].astype(np.float64)
    return given if given.ndim == 2 and given.shape[1] == count else np.empty((0, count))


def _tell(
    order: Order, line: Line, fit: Fit, held_back: HeldBack, say: Callable[[str], None]
) -> None:
    names = ("(intercept)", *fit.columns)
    before = (line.fit.intercept, *line.fit.coefficients)
    after = (fit.intercept, *fit.coefficients)
    for name, old, now in zip(names, before, after, strict=True):
        say(f"  {name:30} {old:18.12g} -> {now:.12g}")
    say(f"  {fit.rows} rows in all, R squared {fit.r_squared:.6f}")
    sigma = line.fit.residual_standard_error
    if sigma and held_back.before and held_back.before > SUSPICIOUS * sigma:
        say(
            f"  the new rows are {held_back.before:.4g} off the line that served, which missed its"
            f" own by {sigma:.4g}: are they in other units? pi-edge models rollback {order.name}"
        )
