"""What comes before a training: which tickers are fit for it, and what decides its outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import files
from pi_edge.desktop.stocks import choose, layers, levels
from pi_edge.errors import BadInput
from pi_edge.learning.forecasts import features, spans
from pi_edge.tasks.prices import Prices


def suitable(name: str, table: Prices, divided: spans.Spans, say: Callable[[str], None]) -> Prices:
    """Leave out tickers that the model could not learn or forecast, and say so.

    `stocks` has weights for any stock, so it only needs a full window and some days to be
    measured on; `stocks-levels` has weights for each, and needs days to learn them from.
    """
    listed = np.isfinite(table.closes)
    if name == "stocks":
        least = features.DAYS + spans.LEAST_MEASURED
        enough, where = listed.sum(0) >= least, "days"
    else:
        least = levels.LEAST_ROWS
        enough, where = listed[divided.train].sum(0) >= least, "training days"
    enough &= listed[-1]
    late = [ticker for ticker, good in zip(table.tickers, enough, strict=True) if not good]
    if not late:
        return table
    if not enough.any():
        raise BadInput(f"no ticker has {least} {where} of prices up to {table.dates[-1]}")
    say(f"{name}: left out, with fewer than {least} {where} of prices: {', '.join(late)}")
    tickers = tuple(np.array(table.tickers)[enough].tolist())
    return replace(table, tickers=tickers, closes=table.closes[:, enough])


def check_moves(table: Prices, divided: spans.Spans, path: Path) -> None:
    """Refuse prices of which a whole span stands still.

    Raises:
        BadInput: names the file and the days.
    """
    for span in (divided.train, divided.validation, divided.test):
        moves = np.abs(np.diff(table.closes[span], axis=0))
        if not (moves > 0).any():  # NaN, before a listing, compares false
            raise BadInput(
                f"{path}: no price moves from {table.dates[span.start]} to "
                f"{table.dates[span.stop - 1]}: there is nothing to learn or to measure"
            )


def plan_of(name: str, table: Prices, seed: int, path: Path) -> dict[str, Any]:
    """What decides the outcome, as JSON has it: going on with another plan makes no sense."""
    recipes: dict[str, dict[str, Any]] = {
        "stocks": {
            "hidden": choose.HIDDEN,
            "lookbacks": choose.LOOKBACKS,
            "joint": choose.JOINT,
            "horizons": choose.HORIZONS,
            "volatility": list(features.SCALES),
            "steps": layers.STEPS,
            "batch": layers.BATCH,
            "learning_rate": layers.RATE,
            "weight_decay": layers.WEIGHT_DECAY,
            "days": features.DAYS,
        },
        "stocks-levels": {
            "hidden": levels.HIDDEN,
            "l1": levels.L1,
            "l2": levels.L2,
            "batch": levels.BATCH,
            "learning_rate": levels.LEARNING_RATE,
            "steps": levels.STEPS,
            "most_rounds": levels.MOST_ROUNDS,
            "patience": levels.PATIENCE,
            "days": levels.DAYS,
        },
    }
    plan = {
        "tickers": table.tickers,
        "seed": seed,
        "data_sha256": files.sha256(path),
        "file": path.name,
        "recipe": recipes[name],
    }
    return json.loads(json.dumps(plan))  # type: ignore[no-any-return]
