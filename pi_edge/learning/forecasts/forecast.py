"""What every model of stocks, network or baseline, is called with and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Closes = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """Closing prices forecast, each [target rows, tickers] float64; NaN where there is none.

    Attributes:
        middle: the forecast.
        low: the 10 % quantile; None where the model gives no interval.
        high: the 90 % quantile, likewise.
    """

    middle: Closes
    low: Closes | None = None
    high: Closes | None = None


FitPredict = Callable[[Closes, slice, slice], Forecast]
"""(closes [days, tickers], fit, target) -> Forecast: learn from the rows of `fit` alone, then
forecast the close of each row t of `target` from closes[:t] alone."""
