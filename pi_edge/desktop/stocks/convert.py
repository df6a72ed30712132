"""Turn a trained model of stocks into TFLite files, and measure each on the test span.

The files are made from weights that never saw the test span; this is where they meet it, once,
when nothing is left to choose.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pi_edge import files, model_json
from pi_edge.desktop.stocks import data, tflite
from pi_edge.desktop.stocks.constants import VARIANTS, Places
from pi_edge.desktop.stocks.prepare import suitable
from pi_edge.desktop.stocks.source import Source, source_of
from pi_edge.desktop.stocks.train import Trained, trained
from pi_edge.errors import BadInput
from pi_edge.learning.forecasts import measure, spans
from pi_edge.quiet import quiet
from pi_edge.tasks.prices import Prices

DEFAULT = "float32"
INTERVAL = [0.1, 0.9]
MOST_CHANGE = 0.01
"""A variant whose error is further from float32's is left out, were it by luck a better one."""

CHECK_DAYS = 6
CALIBRATION_DAYS = 300

# How far another runtime or processor may be from the expected prices, in parts of the highest
# price in check.npz. Floats differ by the order of additions, int8 by a step or two.
TOLERANCE = {"float32": 1e-5, "float16": 1e-5, "int8": 2e-3}

INSIDE = {
    "int8": "the dense layers are integer; returns, volatility and prices stay float32, as of "
    "256 steps one cannot make prices"
}


def convert(
    name: str,
    *,
    state: Path,
    output: Path,
    prices: Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Convert the finished training of `name` in `state` into the folder `output`/`name`.

    Raises:
        BadInput: it was trained on other prices than those given.
    """
    result = trained(name, state)
    path = data.learned_from(result.story, name, prices)
    if files.sha256(path) != result.story["plan"]["data_sha256"]:
        raise BadInput(
            f"{name} was trained on other prices than {path} ({result.story['plan']['file']}): "
            f"name that file with --prices, or run pi-edge train {name} --prices {path}"
        )
    table = data.load(path)
    divided = spans.split(len(table.dates), str(path))
    table = suitable(name, table, divided, lambda _: None)
    own = result.story.get("path") is not None
    command = f"pi-edge convert {name}" + (f" --prices {path.name}" if own else "")
    return write(result, output / name, table, divided, command, own=own, say=say)


def write(
    result: Trained,
    folder: Path,
    table: Prices,
    divided: spans.Spans,
    command: str,
    *,
    own: bool,
    say: Callable[[str], None] = print,
) -> Path:
    """Write the .tflite files, check.npz and model.json of one model into `folder`.

    Everything is made and measured beside the folder first; model.json, which names the
    other files' hashes, takes its place last.
    """
    source = source_of(result, len(table.tickers))
    closes, days, horizon = table.closes, source.days, source.horizon
    known = measure.full(closes, slice(0, divided.test.start), days, horizon)
    rows = measure.full(closes, divided.test, days, horizon)
    if not len(rows):
        raise BadInput(
            f"no day from {table.dates[divided.test.start]} on has {days} days of prices of all "
            f"tickers before it: {result.name} needs a longer history or fewer tickers"
        )
    # A ticker listed after validation leaves no window of all before the test span.
    some = known if len(known) else rows
    examples = measure.windows(closes, _spread(some, CALIBRATION_DAYS), days)
    check_rows = _spread(some[-len(some) // 4 :], CHECK_DAYS)
    check = measure.windows(closes, check_rows, days)
    with quiet():
        expected = source.graph(tf.constant(measure.windows(closes, rows, days)))
    last = closes[rows - 1].astype(np.float32)
    usual = measure.measured(closes, rows, horizon, dict.fromkeys(measure.OUTPUTS, last))

    with model_json.scratch(folder) as made:
        checks: dict[str, NDArray[np.float32]] = {"inputs/prices": check}
        variants: dict[str, Any] = {}
        left_out: dict[str, Any] = {}
        places: dict[str, Places] = {}
        for variant in tflite.VARIANTS:
            path = made / f"{variant}.tflite"
            if variant in VARIANTS:
                contents, places[variant] = source.file(variant, examples)
            else:
                contents = tflite.convert(source.graph, variant, examples)
            path.write_bytes(contents)
            with quiet():
                outputs = measure.answers(path, closes, rows, days)
            found = measure.measured(closes, rows, horizon, outputs)
            apart = max(
                float((np.abs(outputs[name] - expected[name].numpy()) / last).max())
                for name in measure.OUTPUTS
            )
            size = f"{path.stat().st_size:,} bytes"
            say(
                f"{result.name} {variant:8} error {found.mae:.4f}, {found.ratio:.4f} of the last "
                f"price's, {found.coverage:.1%} in the interval, {size}, at most {apart:.2g} of "
                "the last price from the network"
            )
            change = found.mae / variants[DEFAULT]["mae"] - 1 if variants else 0.0
            if abs(change) > MOST_CHANGE:
                why = (
                    f"its error is {change:+.1%} beside {DEFAULT}'s, further than the "
                    f"{MOST_CHANGE:.0%} that may be lost or won by rounding"
                )
                left_out[variant] = {"why": why, **found.told(), "command": command}
                say(f"{result.name} {variant:8} left out: {why}")
                path.unlink()
                places.pop(variant, None)
                continue
            variants[variant] = model_json.variant(
                path,
                command,
                **found.told(),
                **({"inside": INSIDE[variant]} if variant in INSIDE else {}),
                largest_relative_difference=float(f"{apart:.3g}"),
                tolerance=float(f"{TOLERANCE[variant] * check.max():.3g}"),
            )
            given = measure.answers(path, closes, check_rows, days)
            checks |= {f"{variant}/{name}": given[name] for name in measure.OUTPUTS}
        document = {
            "name": result.name,
            "task": "stocks",
            "family": "stocks",
            "default": DEFAULT,
            "tickers": list(table.tickers),
            "days": days,
            "interval": INTERVAL,
            "horizon_days": horizon,
            "variants": variants,
            "left_out": left_out,
            "last_price_mae": usual.told()["mae"],
            "check": model_json.write_check(made, checks),
            "training": source.training(made, places),
            "measured": model_json.measured_on(),
            "trained": _story(result, source, table, own),
        }
        model_json.publish(made, folder, document)
    return folder


def _story(result: Trained, source: Source, table: Prices, own: bool) -> dict[str, Any]:
    """Tell how the model was trained, for model.json."""
    told = result.story
    plan = told["plan"]
    return {
        **source.about,
        "data": {
            "source": plan["file"] if own else data.SOURCE,
            "terms": "the user's own" if own else data.TERMS,
            "sha256": plan["data_sha256"],
            "days": len(table.dates),
            **({"path": told["path"]} if own else {}),
        },
        "spans": told["spans"],
        "seed": plan["seed"],
        "recipe": plan["recipe"],
        "seconds": round(told["seconds"], 1),
        "date": told["finished"],
        "versions": told["versions"],
        "machine": told["machine"],
        "memory": {
            "peak_bytes": told["peak_bytes"],
            "tensorflow_import_bytes": told["tensorflow_import_bytes"],
        },
    }


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Pick at most so many rows, evenly."""
    picked = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(np.int64)
    return np.asarray(rows[picked])
