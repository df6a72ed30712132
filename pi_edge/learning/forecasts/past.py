"""Prices to learn from: the model's tickers, and what each day is for.

The last HELD_BACK days are for the guard and are never learned from; of the days before, three
quarters are learned from and the last quarter tells shrinkage and interval, as the desktop step
does for each year of its walk forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput
from pi_edge.learning.forecasts import network, spans
from pi_edge.learning.forecasts.network import ABSENT, Architecture
from pi_edge.tasks.prices import Prices

HELD_BACK = 60
"""Days, the last ones: a quarter of a year."""


@dataclass(frozen=True)
class Past:
    """Prices of the model's tickers, in its order, and what each day is for.

    Attributes:
        closes: [days, tickers], NaN before a listing; dates: [days].
        train, validation, held_back: rows of them.
    """

    dates: NDArray[np.datetime64]
    closes: NDArray[np.float64]
    train: slice
    validation: slice
    held_back: slice

    def told(self) -> dict[str, Any]:
        """For model.json; "test" is what variants are measured on, as everywhere."""
        return spans.Spans(self.train, self.validation, self.held_back).told(self.dates)


def divided(table: Prices, tickers: Sequence[str], name: str) -> Past:
    """Pick the model's tickers from prices, and tell the days to learn from, to calibrate by and to
    hold back.

    Raises:
        BadInput: tickers or days are lacking, or no price moves.
    """
    places = {ticker.casefold(): at for at, ticker in enumerate(table.tickers)}
    missing = [ticker for ticker in tickers if ticker.casefold() not in places]
    if missing:
        raise BadInput(
            f"{name} has no prices of {', '.join(missing[:10])}: the model needs all of its"
            f" {len(tickers)} tickers"
        )
    closes = table.closes[:, [places[ticker.casefold()] for ticker in tickers]]
    days = len(table.dates)
    if days < spans.LEAST_DAYS + HELD_BACK:
        raise BadInput(
            f"{name}: {days} days are too short a history, at least"
            f" {spans.LEAST_DAYS + HELD_BACK} are needed"
        )
    train, validation = spans.calibration(slice(0, days - HELD_BACK))
    for span in (train, validation, slice(days - HELD_BACK, days)):
        if not (np.abs(np.diff(closes[span], axis=0)) > 0).any():
            raise BadInput(
                f"{name}: no price moves from {table.dates[span.start]} to"
                f" {table.dates[span.stop - 1]}: there is nothing to learn or to measure"
            )
    return Past(table.dates, closes, train, validation, slice(days - HELD_BACK, days))


def batches(
    past: Past, architecture: Architecture
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All examples to learn from: what the network sees [n, inputs], and what came [n, outputs],
    ABSENT where nothing did."""
    x, y = network.samples(past.closes[: past.train.stop], past.train, architecture)
    return x, np.where(np.isfinite(y), y, np.float32(ABSENT))
