"""Prices to standardised returns, and back: NumPy's side of what the graph does inside.

Everything that belongs to row t, the day to be forecast, is computed from the DAYS closes
before it, rows t-DAYS to t-1. There is no scaler to fit: a stock's scale is its own
volatility in that window, so nothing of the future can come in by way of a fitted number.

Arrays are [rows, tickers]; NaN marks a day whose window is not full (before or shortly after
a listing), and whoever learns leaves those out.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

DAYS = 61
"""Rows of prices that a forecast looks at: 60 returns."""

FLOOR = 1e-4
"""Least volatility a day: a price that never moves must not divide by zero."""

CLIP = 5.0
"""Standardised returns are cut here: one crash must not outweigh a thousand quiet days."""

Floats = NDArray[np.float64]


def fading(half_life: float) -> Floats:
    """Weights [DAYS - 1] of past days, oldest first, that halve every `half_life` days; sum 1."""
    weights = 0.5 ** (np.arange(DAYS - 1)[::-1] / half_life)
    return np.asarray(weights / weights.sum())


def latest(days: int) -> Floats:
    """Weights [DAYS - 1] that are equal over the latest `days` and 0 before; sum 1."""
    weights = np.zeros(DAYS - 1)
    weights[-days:] = 1 / days
    return weights


SCALES: dict[str, Floats] = {
    # RiskMetrics (J. P. Morgan, 1996): decay 0.94 a day is a half-life of 11.2 days.
    "fading": fading(11.2),
    "even": latest(DAYS - 1),
    # Short and long memory together, as in Corsi's heterogeneous autoregression (Journal of
    # Financial Econometrics, 2009).
    "mixed": (fading(4) + latest(DAYS - 1)) / 2,
}
SCALE = "fading"


def log_returns(closes: Floats) -> Floats:
    """Return log(close of the row / close of the row before); NaN in the first row."""
    returns = np.full(closes.shape, np.nan)
    returns[1:] = np.log(closes[1:] / closes[:-1])
    return returns


def volatility(closes: Floats, rows: NDArray[np.int64], weights: Floats = SCALES[SCALE]) -> Floats:
    """Return the volatility a day that is known before each row: [rows, tickers].

    Square root of the weighted mean of the squared returns of rows t-DAYS+1 to t-1; returns
    are not centred, as their mean over 60 days is mostly noise. Each row is at least DAYS.
    """
    squares = log_returns(closes) ** 2
    variance = np.zeros((len(rows), closes.shape[1]))
    for age, weight in enumerate(weights[::-1], start=1):
        # A weight of zero still makes NaN of a window that is not full.
        variance += weight * squares[rows - age]
    return np.maximum(np.sqrt(variance), FLOOR)


def inputs(
    closes: Floats, rows: NDArray[np.int64], lookback: int, weights: Floats = SCALES[SCALE]
) -> NDArray[np.float32]:
    """Return what the network sees of each stock: [rows, tickers, 2 * lookback], oldest first.

    First the stock's own standardised returns of the last `lookback` days, then their mean
    over all stocks that have one. `rows` are the days to be forecast, each at least DAYS.
    """
    own = standardised(closes, rows, lookback, weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a day before the first listing
        market = np.nanmean(own, axis=1, keepdims=True)
    return np.concatenate([own, np.broadcast_to(market, own.shape)], axis=2)


def standardised(
    closes: Floats, rows: NDArray[np.int64], lookback: int, weights: Floats = SCALES[SCALE]
) -> NDArray[np.float32]:
    """Return each stock's last returns over its volatility: [rows, tickers, lookback]."""
    windows = sliding_window_view(log_returns(closes), lookback, axis=0)
    scale = volatility(closes, rows, weights)
    own = windows[rows - lookback] / scale[:, :, None]
    return np.clip(own, -CLIP, CLIP).astype(np.float32)


def targets(
    closes: Floats,
    rows: NDArray[np.int64],
    horizon: int = 1,
    weights: Floats = SCALES[SCALE],
) -> Floats:
    """Return what is to be forecast, standardised: [rows, tickers].

    The log return from the close of row t-1 to that of row t-1+horizon over the volatility
    known before row t and the root of the horizon. Not clipped.
    """
    log = np.log(closes)
    scale = volatility(closes, rows, weights)
    return np.asarray((log[rows - 1 + horizon] - log[rows - 1]) / (scale * np.sqrt(horizon)))


def prices(last: Floats, scale: Floats, standard: Floats, horizon: int = 1) -> Floats:
    """Turn standardised returns back into prices: last * exp(scale * root of horizon * return)."""
    return np.asarray(last * np.exp(scale * np.sqrt(horizon) * standard))


def usable(span: slice, horizon: int = 1, most: int | None = None) -> NDArray[np.int64]:
    """Return the rows of a span that have a window before them and an outcome inside it.

    Args:
        span: rows by the day forecast; with a longer horizon the last outcomes would lie
            beyond its end, in a span that this one must know nothing of.
        most: of more rows than this, take so many, evenly spread.
    """
    rows = np.arange(max(span.start or 0, DAYS), span.stop - horizon + 1)
    if most is not None and len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
    return rows
