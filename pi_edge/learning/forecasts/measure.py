"""Measure a model of stocks in this machine's TFLite runtime. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pi_edge.errors import BadInput
from pi_edge.learning.forecasts import statistics
from pi_edge.learning.forecasts.forecast import Closes
from pi_edge.model import Model

BATCH = 64
OUTPUTS = ("forecast", "low", "high")

Outputs = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Measured:
    """How good forecasts are.

    Attributes:
        mae: mean absolute error in units of price: of each ticker, then their mean.
        ratio: the same, but each ticker's error in parts of that of the last price.
        coverage: part of the outcomes inside low to high.
        days: days forecast.
    """

    mae: float
    ratio: float
    coverage: float
    days: int

    def told(self) -> dict[str, Any]:
        """For model.json."""
        return {
            "mae": float(f"{self.mae:.6g}"),
            "ratio_to_last_price": round(self.ratio, 6),
            "coverage": round(self.coverage, 5),
            "days": self.days,
        }


def full(closes: Closes, span: slice, days: int, horizon: int) -> NDArray[np.int64]:
    """Return the rows of a span that have `days` closes of every ticker before them.

    The graph takes all tickers or none, so the days before a late listing are left out.
    """
    rows = np.arange(max(span.start, days), span.stop - horizon + 1)
    listed = np.isfinite(closes).all(1)
    gaps = np.concatenate([[0], np.cumsum(~listed)])
    return np.asarray(rows[gaps[rows] == gaps[rows - days]])


def windows(closes: Closes, rows: NDArray[np.int64], days: int) -> NDArray[np.float32]:
    """Return the `days` closes before each row: [rows, days, tickers]."""
    seen = sliding_window_view(closes, days, axis=0)[rows - days]
    return np.ascontiguousarray(seen.transpose(0, 2, 1), np.float32)


def answers(
    path: Path, closes: Closes, rows: NDArray[np.int64], days: int
) -> dict[str, NDArray[np.float32]]:
    """Return what the file forecasts for these rows: forecast, low, high [rows, tickers]."""
    model = Model(path)
    parts = [
        model.run({"prices": windows(closes, rows[start : start + BATCH], days)})
        for start in range(0, len(rows), BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}


def measured(closes: Closes, rows: NDArray[np.int64], horizon: int, outputs: Outputs) -> Measured:
    """Compare forecasts made for rows with what came.

    Raises:
        BadInput: there is nothing to compare: no row, or prices that never move.
    """
    if not len(rows):
        raise BadInput("no day of the test span has prices of all tickers before it")
    last, came = closes[rows - 1], closes[rows - 1 + horizon]
    error = statistics.mean_absolute_error(came, outputs["forecast"].astype(np.float64))
    usual = statistics.mean_absolute_error(came, last)
    if not (usual > 0).any():
        raise BadInput("no price moves in the test span: there is nothing to forecast")
    # Bounds are float32: an outcome that equals one is inside whichever way it was rounded.
    low, high = (
        outputs[name].astype(np.float64) * slack
        for name, slack in (("low", 1 - 1e-7), ("high", 1 + 1e-7))
    )
    inside = statistics.inside(came, low, high)
    return Measured(
        mae=float(np.nanmean(error)),
        ratio=float(np.nanmean(error[usual > 0] / usual[usual > 0])),
        coverage=float(np.nanmean(inside)),
        days=len(rows),
    )
