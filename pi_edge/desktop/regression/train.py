"""Fit a line to any table of numbers, and say how sure each coefficient is."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pi_edge import model_json
from pi_edge.desktop import families
from pi_edge.desktop.regression import TRAINING, data, family_of, training
from pi_edge.desktop.regression.training import Trained
from pi_edge.errors import BadInput, WrongUsage
from pi_edge.learning.least_squares import Fit, RankDeficient, fit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
SHOWN_COLUMNS = 100


def train(
    name: str,
    *,
    state: Path,
    given: Path | None = None,
    target: str | None = None,
    without: Sequence[str] | None = None,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Trained:
    """Fit the column ``target`` of a table by all others but those ``without``.

    The result is kept in `state`/training/`name`. A name that is there already is fitted again,
    to the same table as then where none is given; `fresh` lets it stand for something else.

    Raises:
        WrongUsage: no table or no target was named, or the name cannot be a model's.
        BadInput: the table cannot be learned from; says where and why.
        NotFound: there is no such file.
    """
    check_name(name, state)
    earlier = None
    if (state / "training" / name / TRAINING).exists() and not fresh:
        earlier = training.load(state, name, "with --fresh").story
    if given is None and earlier is None:
        raise WrongUsage("say which table to fit: --data FILE")
    if given is not None and given.is_dir():
        raise WrongUsage(f"{given} is a folder: --data takes the CSV file itself")
    path = given.resolve() if given is not None else Path(_told(earlier, "path"))
    if earlier is not None:
        target = target or earlier["target"]
        without = earlier["without"] if without is None else without
        if (str(path), target) != (_told(earlier, "path"), earlier["target"]):
            raise BadInput(
                f"{name} is already fitted to {earlier['target']!r} of {_told(earlier, 'path')}: "
                "choose another --name, or --fresh to replace it"
            )
    began = time.perf_counter()
    numbers = data.load(path, target, without or ())
    try:
        fitted = fit(numbers.x, numbers.y, numbers.columns)
    except RankDeficient as error:
        remedy = data.leave_out(list(error.combinations))
        raise BadInput(f"{path}: {error}: leave out with {remedy}") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    story = {
        "target": numbers.target,
        "without": list(without or ()),
        "data": {"file": path.name, "path": str(path), "sha256": numbers.sha256},
        "seconds": round(time.perf_counter() - began, 3),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": model_json.versions("numpy"),
        "machine": model_json.machine(),
    }
    result = Trained(name, fitted, numbers.x, numbers.y, story)
    training.save(state, result)
    say(summary(fitted, numbers.target))
    say(f"kept in {state / 'training' / name}; next: pi-edge convert {name}")
    return result


def check_name(name: str, state: Path) -> None:
    """Refuse a name that no folder can have, or that means something else already."""
    if not _NAME.fullmatch(name):
        raise WrongUsage(
            f"{name!r} cannot be a model's name: use letters, digits, dots, hyphens and "
            "underscores, at most 64, a letter or digit first"
        )
    taken = {word: family for family in families.FAMILIES for word in _words(family)}
    if name in taken:
        raise WrongUsage(f"{name} already means {taken[name]}: choose another --name")
    model = state / "models" / name
    if model.with_name(f"{name}.tflite").exists() or (
        model.exists() and family_of(model / "model.json") != "regression"
    ):
        raise WrongUsage(f"{model} is another kind of model: choose another --name")


def _words(family: str) -> tuple[str, ...]:
    """A family's name and those of the models it always makes."""
    return (family, *importlib.import_module(families.FAMILIES[family]).NAMES)


def _told(story: dict[str, object] | None, what: str) -> str:
    told = (story or {})["data"]
    assert isinstance(told, dict)
    return str(told[what])


def summary(fitted: Fit, target: str) -> str:
    """The table of coefficients, and below it how good the line is."""
    errors: Sequence[float | None] = fitted.standard_errors or [None] * len(fitted.columns)
    entries = [
        ("(intercept)", fitted.intercept, fitted.intercept_standard_error),
        *zip(fitted.columns, fitted.coefficients, errors, strict=True),
    ]
    width = max(6, *(len(name) for name, _, _ in entries[: SHOWN_COLUMNS + 1]))
    lines = [f"{'column':{width}} {'coefficient':>18} {'standard error':>18} {'t':>10}"]
    for name, value, error in entries[: SHOWN_COLUMNS + 1]:
        told = "-" if error is None else f"{error:.10g}"
        t = "-" if not error else f"{value / error:.5g}"
        lines.append(f"{name:{width}} {value:18.12g} {told:>18} {t:>10}")
    if len(entries) > SHOWN_COLUMNS + 1:
        lines.append(f"... and {len(entries) - SHOWN_COLUMNS - 1} more columns")
    sigma = fitted.residual_standard_error
    lines.append(
        f"{target}: {fitted.rows} rows, R squared {fitted.r_squared:.6f}, "
        + (
            f"residual standard error {sigma:.8g} on {fitted.degrees_of_freedom} degrees of freedom"
            if sigma is not None
            else "no row to spare for standard errors"
        )
    )
    return "\n".join(lines)
