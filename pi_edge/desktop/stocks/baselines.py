"""The forecasts that a model has to beat before anyone should believe it.

Each takes closes [days, tickers], the rows to learn from and the rows to forecast, as every model
of stocks does, and looks at nothing else. The intervals are 10 and 90 % quantiles of what was
missed on the rows learned from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi_edge.learning.forecasts import features
from pi_edge.learning.forecasts.forecast import Closes, FitPredict, Forecast
from pi_edge.learning.forecasts.spans import calibration

QUANTILES = (0.1, 0.9)
LOOKBACK = 10
"""Days of returns that `ridge` sees, as the network does."""

PENALTIES = tuple(10.0**power for power in range(8))

LEAST_RETURNS = 20
"""With fewer a stock was listed too late to be learned; its forecast is NaN."""

Floats = NDArray[np.float64]
Quantiles = tuple[Floats, Floats]


def last_price(closes: Closes, fit: slice, target: slice) -> Forecast:
    """Forecast that nothing changes: a random walk without drift."""
    returns = _returns(closes, fit)
    last = closes[target.start - 1 : target.stop - 1]
    low, high = (last * np.exp(beside) for beside in _quantiles(returns))
    return Forecast(last.copy(), low, high)


def mean_return(closes: Closes, fit: slice, target: slice) -> Forecast:
    """Forecast each stock's mean log return: a random walk with drift."""
    returns = _returns(closes, fit)
    mean = _means(returns)
    last = closes[target.start - 1 : target.stop - 1]
    return _around(last, np.broadcast_to(mean, last.shape), _quantiles(returns - mean))


def ar1(closes: Closes, fit: slice, target: slice) -> Forecast:
    """Forecast each stock's log return from the day before's, by a line of least squares."""
    returns = _returns(closes, fit)
    before, after = returns[:-1].copy(), returns[1:].copy()
    missing = np.isnan(before) | np.isnan(after)
    before[missing] = after[missing] = np.nan
    mean_before, mean_after = _means(before), _means(after)
    centred = before - mean_before
    variance = _means(centred * centred)
    slope = np.divide(
        _means(centred * (after - mean_after)),
        variance,
        out=np.zeros_like(variance),
        where=variance > 0,  # a price that never moved has no slope; its mean is all there is
    )
    residuals = after - mean_after - slope * centred
    rows = np.arange(target.start, target.stop)
    latest = np.log(closes[rows - 1] / closes[rows - 2])
    middle = mean_after + slope * (latest - mean_before)
    return _around(closes[rows - 1], middle, _quantiles(residuals))


def ridge(
    lookback: int = LOOKBACK, weights: Floats = features.SCALES[features.SCALE]
) -> FitPredict:
    """Return the ridge regression on what `stocks` sees: one line for all stocks' returns.

    The penalty is that of `PENALTIES` with the least squared error on the last quarter of the
    rows to fit on, learned on the quarters before; then all of them are learned with it.

    Args:
        lookback, weights: days of returns, and the volatility's weights, as features has them.
    """

    def run(closes: Closes, fit: slice, target: slice) -> Forecast:
        before, after = calibration(fit)
        known = closes[: fit.stop]
        solve = _ridge(*_samples(known, before, lookback, weights))
        x, y = _samples(known, after, lookback, weights)
        errors = [np.mean((y - _line(solve(penalty), x)) ** 2) for penalty in PENALTIES]
        x, y = _samples(known, fit, lookback, weights)
        line = _ridge(x, y)(PENALTIES[int(np.argmin(errors))])
        beside = np.quantile(y - _line(line, x), QUANTILES)
        rows = np.arange(target.start, target.stop)
        said = _line(line, features.inputs(closes, rows, lookback, weights))
        scale = features.volatility(closes, rows, weights)
        last = closes[rows - 1]
        return Forecast(*(features.prices(last, scale, said + more) for more in (0.0, *beside)))

    return run


class Seen(Protocol):
    """What a network's architecture tells of its inputs."""

    @property
    def lookback(self) -> int: ...

    @property
    def weights(self) -> Floats: ...


def all_models(seen: Seen | None = None) -> dict[str, FitPredict]:
    """Return every baseline by name, the ridge regression on the inputs that a network has."""
    return {
        "last price": last_price,
        "mean return": mean_return,
        "AR(1)": ar1,
        "ridge": ridge(seen.lookback, seen.weights) if seen else ridge(),
    }


def _returns(closes: Closes, fit: slice) -> Floats:
    """Log returns [rows, tickers] within `fit`; a stock with too few of them has none."""
    returns = np.diff(np.log(closes[fit]), axis=0)
    returns[:, (~np.isnan(returns)).sum(0) < LEAST_RETURNS] = np.nan
    return returns


def _samples(closes: Closes, span: slice, lookback: int, weights: Floats) -> tuple[Floats, Floats]:
    """Inputs [n, 2 * lookback] and standardised returns [n] of all stocks listed long enough."""
    rows = features.usable(span)
    x = features.inputs(closes, rows, lookback, weights).astype(np.float64)
    y = np.clip(features.targets(closes, rows, 1, weights), -features.CLIP, features.CLIP)
    there = np.isfinite(x).all(2) & np.isfinite(y)
    return x[there], y[there]


def _ridge(x: Floats, y: Floats) -> Callable[[float], tuple[Floats, float]]:
    """Return the function from a penalty to slopes and intercept; the intercept is free."""
    mean_x, mean_y = x.mean(0), y.mean()
    square = (x - mean_x).T @ (x - mean_x)
    product = (x - mean_x).T @ (y - mean_y)

    def solve(penalty: float) -> tuple[Floats, float]:
        slopes = np.linalg.solve(square + penalty * np.eye(len(square)), product)
        return slopes, float(mean_y - mean_x @ slopes)

    return solve


def _line(line: tuple[Floats, float], x: NDArray[np.floating]) -> Floats:
    return np.asarray(x @ line[0] + line[1], np.float64)


def _around(last: Floats, middle: Floats, beside: Quantiles) -> Forecast:
    low, high = (last * np.exp(middle + reach) for reach in beside)
    return Forecast(last * np.exp(middle), low, high)


def _means(values: Floats) -> Floats:
    counts = (~np.isnan(values)).sum(0)
    means: Floats = np.where(counts > 0, np.nansum(values, 0) / np.maximum(counts, 1), np.nan)
    return means


def _quantiles(values: Floats) -> Quantiles:
    """10 and 90 % quantiles of each column, NaN where it has nothing."""
    there = ~np.isnan(values).all(0)
    found = np.full((2, values.shape[1]), np.nan)
    found[:, there] = np.nanquantile(values[:, there], QUANTILES, axis=0)
    return found[0], found[1]
