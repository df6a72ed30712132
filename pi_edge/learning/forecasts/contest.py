"""A learned forecaster against the one in service, on days that neither has learned from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import catalog
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.learning import guard
from pi_edge.learning.forecasts import measure, statistics
from pi_edge.learning.forecasts.past import Past
from pi_edge.learning.guard import HeldBack
from pi_edge.learning.order import Order

LEAST_HELD_BACK = 20
"""Of which so many must be news to the model in service."""


def compared(order: Order, past: Past, path: Path, rows: NDArray[np.int64]) -> HeldBack:
    """The error of the learned file and of the one in service, in parts of the last price's, on the
    days held back that neither has learned from.

    Raises:
        BadInput: they are too few, or the model in service forecasts something else.
    """
    serving = guard.in_service(order)
    if serving is not None:
        same = ("tickers", "days", "horizon_days")
        if any(serving.info.get(key) != order.model.info.get(key) for key in same):
            raise BadInput(f"{order.name} forecasts other stocks: choose another --name")
        rows = rows[past.dates[rows] > _until(serving)]
    if len(rows) < (LEAST_HELD_BACK if serving else 1):
        raise BadInput(
            f"only {len(rows)} days are news to {order.name}, and {LEAST_HELD_BACK} are needed to"
            " compare by: give newer prices"
        )
    after = _losses(order.model.info, past, path, rows)
    what = "error beside the last price's"
    if serving is None:
        return HeldBack(what, _mean(after), None, len(rows), False)
    before = _losses(order.model.info, past, serving.files[serving.default], rows)
    test = statistics.diebold_mariano(after, before, horizon=order.model.info["horizon_days"])
    # Half the interval that holds the difference of two equally good ones in 95 cases of 100.
    chance = (test.high - test.low) / 2 if test is not None else 0.0
    return HeldBack(what, _mean(after), _mean(before), len(rows), False, chance)


def _until(model: catalog.Entry) -> np.datetime64:
    """The last day that a model has learned from or was calibrated by."""
    try:
        told = model.info["trained"]["spans"]["validation"]["to"]
        return np.datetime64(str(told))
    except (KeyError, TypeError, ValueError) as error:
        raise PiEdgeError(
            f"the model.json of {model.name} does not tell until when it learned: {error!r}"
        ) from None


def _losses(
    about: Mapping[str, Any], past: Past, path: Path, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """By how much a file misses each close, in parts of its stock's mean move: [rows, tickers]."""
    horizon = int(about["horizon_days"])
    came, last = past.closes[rows - 1 + horizon], past.closes[rows - 1]
    usual = np.abs(came - last).mean(0)
    said = measure.answers(path, past.closes, rows, int(about["days"]))["forecast"]
    missed = np.abs(came - said.astype(np.float64))
    losses: NDArray[np.float64] = np.where(
        usual > 0, missed / np.where(usual > 0, usual, 1), np.nan
    )
    return losses


def _mean(losses: NDArray[np.float64]) -> float:
    return float(np.nanmean(losses))
