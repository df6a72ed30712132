"""Measure a model of stocks again on the test span, and compare with its model.json.

Runs where the model runs, without TensorFlow, and never writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import files, runtime
from pi_edge.desktop.stocks import data
from pi_edge.errors import PiEdgeError
from pi_edge.learning.forecasts import measure
from pi_edge.tasks.prices import Prices
from pi_edge.verification import verify_files

# How far another runtime or processor may come out: errors in parts of themselves, coverage
# as it is.
LEEWAY = {"float32": 1e-4, "float16": 1e-4, "int8": 2e-3}


def verify(
    folder: Path, *, prices: Path | None = None, say: Callable[[str], None] = print
) -> list[str]:
    """Check the files of one model folder, then each variant's error and interval.

    Other prices than the model was trained on are measured too, as far as they have its
    tickers and days; that they are others is one of the lines returned.

    Returns:
        A line for each disagreement, none if all is well.
    """
    problems = verify_files(folder)
    if problems:
        # What was measured on other files says nothing about these.
        return problems
    told = json.loads((folder / "model.json").read_bytes())
    try:
        path = data.learned_from(told["trained"]["data"], told["name"], prices)
        table = data.load(path)
        same = files.sha256(path) == told["trained"]["data"]["sha256"]
        closes, rows = measured_span(told, table, path)
    except PiEdgeError as error:
        return [f"{folder}: {error}"]
    except (KeyError, TypeError) as error:
        return [f"{folder / 'model.json'} does not tell what it was measured on: {error!r}"]
    if not same:
        problems.append(
            f"{path} is not what {told['name']} was trained on ({told['trained']['data']['source']}"
            "; the SHA-256 differs): name that file with --prices"
        )
    module, version = runtime.installed()
    say(
        f"{told['name']} in {module} {version}, {len(rows)} days from {table.dates[rows[0]]} to "
        f"{table.dates[rows[-1]]}, {closes.shape[1]} tickers"
    )
    say(f"  {'variant':8} {'bytes':>9} {'error':>9} {'of last price':>14} {'in interval':>12}")
    for variant, description in told["variants"].items():
        file = folder / description["file"]
        outputs = measure.answers(file, closes, rows, told["days"])
        found = measure.measured(closes, rows, told["horizon_days"], outputs)
        say(
            f"  {variant:8} {description['bytes']:>9,} {found.mae:>9.4f} {found.ratio:>14.5f} "
            f"{found.coverage:>12.2%}"
        )
        if same:
            problems += _compare(file, found, description, LEEWAY.get(variant, 0.0))
    for variant, reason in told.get("left_out", {}).items():
        say(f"  {variant:8} left out: {reason['why']}")
    return problems


def measured_span(
    told: Mapping[str, Any], table: Prices, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the closes of the model's tickers, and the rows of its test span.

    Raises:
        PiEdgeError: there are none.
    """
    missing = [ticker for ticker in told["tickers"] if ticker not in table.tickers]
    if missing:
        raise PiEdgeError(
            f"{path} has no prices of {', '.join(missing)}: {told['name']} needs all of its "
            f"{len(told['tickers'])} tickers"
        )
    closes = table.closes[:, [table.tickers.index(ticker) for ticker in told["tickers"]]]
    span = told["trained"]["spans"]["test"]
    first, last = np.datetime64(span["from"]), np.datetime64(span["to"])
    inside = np.flatnonzero((table.dates >= first) & (table.dates <= last))
    if not len(inside):
        raise PiEdgeError(f"{path} has no day of the test span, {first} to {last}")
    rows = measure.full(
        closes, slice(int(inside[0]), int(inside[-1]) + 1), told["days"], told["horizon_days"]
    )
    if not len(rows):
        raise PiEdgeError(f"{path} has no {told['days']} days of prices before {last}")
    return closes, rows


def _compare(
    path: Path, found: measure.Measured, told: Mapping[str, Any], leeway: float
) -> list[str]:
    here, problems = found.told(), []
    if here["days"] != told["days"]:
        return [f"{path}: model.json tells of {told['days']} test days, these are {here['days']}"]
    for name in ("mae", "ratio_to_last_price", "coverage"):
        allowed = leeway * (1.0 if name == "coverage" else abs(told[name]))
        # Written so that NaN, which compares false with everything, is a problem too.
        if not abs(here[name] - told[name]) <= allowed + 1e-6:
            problems.append(f"{path}: {name} is {here[name]} here, model.json says {told[name]}")
    return problems
