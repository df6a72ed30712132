"""How good a forecast is, and how sure one may be of that.

Stocks of one day rise and fall together, and wild days follow wild days. Twenty stocks on 1,600
days are therefore far fewer than 32,000 independent trials. Every interval and test here adds up
the stocks of a day first, and then allows for days that resemble their neighbours (Newey and
West, 1987); for a mean over a panel that is the variance of Driscoll and Kraay (1998).

Arrays are [days, tickers], float64. NaN means not listed yet, and is left out everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean, its confidence interval, and what it was made of.

    Attributes:
        value: the mean; low, high: its 95 % interval (Student's t on days - 1).
        days: days that had anything to count.
        count: single observations.
    """

    value: float
    low: float
    high: float
    days: int
    count: int


@dataclass(frozen=True)
class Comparison:
    """A Diebold-Mariano test of one forecast against another.

    Attributes:
        difference: mean loss less the other's; negative where the forecast is better.
        low, high: its 95 % interval.
        statistic: with the correction of Harvey, Leybourne and Newbold; follows Student's t
            on days - 1 where both are equally good.
        p: two-sided.
        days: days compared.
        lags: neighbouring days allowed for.
    """

    difference: float
    low: float
    high: float
    statistic: float
    p: float
    days: int
    lags: int


def mean_absolute_error(actual: Array, forecast: Array) -> Array:
    """Return each ticker's mean absolute error [tickers], NaN where nothing was forecast."""
    return _column_means(np.abs(actual - forecast))


def mean_over_panel(values: Array, lags: int | None = None) -> Estimate | None:
    """Return the mean of all values that are there, with an interval for it.

    Args:
        values: [days, tickers] in time order, NaN where there is none.
        lags: neighbouring days allowed for; 0 clusters by day alone, None takes
            `automatic_lags`.

    Returns:
        None where fewer than two days have a value.

    Source: Driscoll and Kraay, Review of Economics and Statistics 80 (1998), 549-560; with the
    factor days / (days - 1) for small samples.
    """
    there = ~np.isnan(values)
    counts = there.sum(1)
    sums = np.where(there, values, 0.0).sum(1)[counts > 0]
    counts = counts[counts > 0]
    days, total = len(counts), int(counts.sum())
    if days < 2:
        return None
    mean = float(sums.sum() / total)
    scores = (sums - mean * counts) * days / total
    error = math.sqrt(long_run_variance(scores, lags) / (days - 1))
    reach = student_t_quantile((1 + CONFIDENCE) / 2, days - 1) * error
    return Estimate(mean, mean - reach, mean + reach, days, total)


def directional_hits(actual: Array, forecast: Array, last: Array) -> Array:
    """Return 1 where the forecast called the direction right, 0 where wrong.

    NaN where there was nothing to call (the close did not move) or no call was made (the
    forecast is the last close), so that neither counts for or against.
    """
    moved, called = np.sign(actual - last), np.sign(forecast - last)
    with np.errstate(invalid="ignore"):
        hits: Array = (moved == called).astype(np.float64)
    hits[~((moved != 0) & (called != 0)) | np.isnan(moved) | np.isnan(called)] = np.nan
    return hits


def inside(actual: Array, low: Array, high: Array) -> Array:
    """Return 1 where low <= actual <= high, 0 where not, NaN where any is missing."""
    with np.errstate(invalid="ignore"):
        within: Array = ((actual >= low) & (actual <= high)).astype(np.float64)
    within[np.isnan(actual) | np.isnan(low) | np.isnan(high)] = np.nan
    return within


def interval_score(actual: Array, low: Array, high: Array, coverage: float) -> Array:
    """Return the score of central intervals, [days, tickers], in units of price; less is better.

    Its width, and beyond it 2 / (1 - coverage) times the distance by which it was missed: an
    interval cannot do well by being wide, nor by being narrow.

    Source: Winkler, JASA 67 (1972), 187-191; Gneiting and Raftery, JASA 102 (2007), 359-378.
    """
    missed = np.maximum(low - actual, 0.0) + np.maximum(actual - high, 0.0)
    score: Array = (high - low) + 2.0 / (1.0 - coverage) * missed
    return score


def diebold_mariano(
    losses: Array, other: Array, *, horizon: int = 1, lags: int | None = None
) -> Comparison | None:
    """Test whether one forecast loses as much as another, on average.

    Args:
        losses: the forecast's loss, [days, tickers], in time order, in a unit that lets tickers
            be averaged.
        other: the loss of the other forecast.
        horizon: days ahead of both forecasts.
        lags: neighbouring days allowed for; None takes `automatic_lags`, at least horizon - 1.

    Returns:
        None where fewer than two days can be compared, or where the two lose the same on each.

    Source: Diebold and Mariano, Journal of Business & Economic Statistics 13 (1995), 253-263;
    Harvey, Leybourne and Newbold, International Journal of Forecasting 13 (1997), 281-291. The
    variance is Newey's and West's, which cannot be negative, instead of the truncated one.
    """
    daily = _row_means(losses - other)
    daily = daily[~np.isnan(daily)]
    days = len(daily)
    if days < max(2, horizon + 1) or np.ptp(daily) == 0.0:
        return None
    if lags is None:
        lags = max(automatic_lags(days), horizon - 1)
    lags = min(lags, days - 1)
    mean = float(daily.mean())
    error = math.sqrt(long_run_variance(daily - mean, lags) / days)
    corrected = math.sqrt((days + 1 - 2 * horizon + horizon * (horizon - 1) / days) / days)
    statistic = corrected * mean / error
    reach = student_t_quantile((1 + CONFIDENCE) / 2, days - 1) * error / corrected
    p = student_t_two_sided(statistic, days - 1)
    return Comparison(mean, mean - reach, mean + reach, statistic, p, days, lags)


def automatic_lags(days: int) -> int:
    """Return the usual number of lags, 4 (days / 100)^(2/9) rounded down.

    Source: Newey and West, Review of Economic Studies 61 (1994), 631-653.
    """
    return min(int(4 * (days / 100) ** (2 / 9)), max(days - 1, 0))


def long_run_variance(scores: Array, lags: int | None = None) -> float:
    """Return the variance [1] of deviations from a mean that allows for neighbours in time.

    Source: Newey and West, Econometrica 55 (1987), 703-708: Bartlett's weights.
    """
    days = len(scores)
    lags = automatic_lags(days) if lags is None else lags
    variance = float(scores @ scores) / days
    for lag in range(1, lags + 1):
        weight = 1 - lag / (lags + 1)
        variance += 2 * weight * float(scores[lag:] @ scores[:-lag]) / days
    return variance


def student_t_two_sided(statistic: float, freedom: float) -> float:
    """Return P(|T| >= |statistic|) of Student's t with so many degrees of freedom."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + statistic * statistic))


def student_t_quantile(probability: float, freedom: float) -> float:
    """Return the value that Student's t stays below with `probability`, from 0.5 up to 1."""
    wanted = 2 * (1 - probability)
    low, high = 0.0, 1.0
    while student_t_two_sided(high, freedom) > wanted:
        high *= 2
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if student_t_two_sided(middle, freedom) > wanted:
            low = middle
        else:
            high = middle
    return high


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function (DLMF 8.17.22, Lentz's evaluation)."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side only
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(logarithm + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for term in (even, odd):
            d = 1.0 / (1.0 + term * d)
            c = 1.0 + term / c
            fraction *= d * c
        if abs(fraction - before) < 1e-15 * abs(fraction):
            break
    return front * fraction


def _column_means(values: Array) -> Array:
    return _row_means(values.T)


def _row_means(values: Array) -> Array:
    there = ~np.isnan(values)
    counts = there.sum(1)
    sums = np.where(there, values, 0.0).sum(1)
    means: Array = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means
