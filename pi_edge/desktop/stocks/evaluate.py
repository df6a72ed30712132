"""Walk forward through the test years: every model beside the last price, on days none has seen.

At the start of each test year every model learns anew from all days before it and forecasts
that year, one day ahead at a time, as somebody would have used it. The errors are those of
real forecasts, then; nothing about a model was chosen by them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.stocks.baselines import last_price
from pi_edge.desktop.stocks.evaluation_table import table
from pi_edge.learning.forecasts import statistics
from pi_edge.learning.forecasts.forecast import Closes, FitPredict, Forecast
from pi_edge.learning.forecasts.spans import Spans
from pi_edge.learning.forecasts.statistics import Estimate

COVERAGE = 0.8
"""What intervals from the 10 to the 90 % quantile are to hold."""

SHORTEST_FOLD = 20
"""A year's end or start of fewer test days is forecast together with its neighbour."""

Dates = NDArray[np.datetime64]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ratio:
    """A loss as a multiple of the last price's, mean over the tickers.

    Attributes:
        value: 1 where both lose the same. low, high: its 95 % interval.
        p: of the two-sided Diebold-Mariano test that it is 1. low, high and p are None for the
            last price itself.
    """

    value: float
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True)
class Score:
    """What one model did on the test span.

    Attributes:
        mae: mean absolute error, mean over the tickers, in units of price.
        ratio: the absolute error beside that of the last price.
        direction: part of the moves called right; None where no call was ever made.
        beyond_up: the same less the part that "always up" calls right on the same days.
        coverage: part of the closes inside the 10-90 % interval; None without an interval.
        interval_ratio: the intervals' score beside that of the last price's own intervals.
        bias: median of forecast / close - 1, by year and under "all".
        too_low: part of the forecasts below the close that came.
        forecasts: how many were compared.
    """

    mae: float
    ratio: Ratio | None
    direction: Estimate | None
    beyond_up: Estimate | None
    coverage: Estimate | None
    interval_ratio: Ratio | None
    bias: Mapping[str, float]
    too_low: float
    forecasts: int


@dataclass(frozen=True)
class Evaluation:
    """All models' scores, by name, and what they were measured on.

    Attributes:
        dates: of the test span.
        refitted: first day of each stretch for which all models learned anew.
        tickers: how many.
        always_up: part of the moves that went up.
        scores: by model, in the order given; a model that made no forecast has none.
    """

    dates: Dates
    refitted: tuple[str, ...]
    tickers: int
    always_up: Estimate | None
    scores: Mapping[str, Score]

    def told(self) -> dict[str, Any]:
        """The same for model.json."""
        document = {
            "from": str(self.dates[0]),
            "to": str(self.dates[-1]),
            "days": len(self.dates),
            "tickers": self.tickers,
            "horizon_days": 1,
            "refitted": list(self.refitted),
            "confidence": statistics.CONFIDENCE,
            "always_up": asdict(self.always_up) if self.always_up else None,
            "models": {name: asdict(score) for name, score in self.scores.items()},
        }
        rounded: dict[str, Any] = _rounded(document)
        return rounded

    def __str__(self) -> str:
        return table(self.told())


def walk_forward(
    closes: Closes,
    dates: Dates,
    spans: Spans,
    models: Mapping[str, FitPredict],
    step: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Evaluate models on the test span; the last price is always among what they are held against.

    Args:
        closes: [days, tickers]; dates: [days].
        models: by name.
        step: called after each model's fit of each stretch.
    """
    parts = folds(dates, spans.test)
    forecasts: dict[str, list[Forecast]] = {name: [] for name in models}
    for part in parts:
        for name, model in models.items():
            forecasts[name].append(model(closes, slice(0, part.start), part))
            step()
    reference = _joined([last_price(closes, slice(0, part.start), part) for part in parts])
    actual, last = closes[spans.test], closes[spans.test.start - 1 : spans.test.stop - 1]
    every = {name: _joined(pieces) for name, pieces in forecasts.items()}
    ups = np.where((actual == last) | np.isnan(actual - last), np.nan, actual > last)
    return Evaluation(
        dates[spans.test],
        tuple(str(dates[part.start]) for part in parts),
        closes.shape[1],
        statistics.mean_over_panel(ups),
        {
            name: score(actual, last, one, reference, dates[spans.test])
            for name, one in every.items()
            if np.isfinite(one.middle - actual).any()
        },
    )


def folds(dates: Dates, test: slice) -> list[slice]:
    """Divide the test span where calendar years begin; less than a year of it is one stretch."""
    if (dates[test.stop - 1] - dates[test.start]) < np.timedelta64(365, "D"):
        return [test]
    years = dates[test].astype("datetime64[Y]")
    starts = [test.start, *(test.start + 1 + np.flatnonzero(years[1:] != years[:-1]))]
    if len(starts) > 1 and starts[1] - starts[0] < SHORTEST_FOLD:
        del starts[1]
    if len(starts) > 1 and test.stop - starts[-1] < SHORTEST_FOLD:
        del starts[-1]
    ends = [*starts[1:], test.stop]
    return [slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def score(
    actual: Closes, last: Closes, forecast: Forecast, reference: Forecast, dates: Dates
) -> Score:
    """Measure one model's forecasts; all arrays are [days, tickers].

    Args:
        actual: the closes that came. last: those of the day before.
        reference: the last price's forecasts, with its intervals.
    """
    error = np.abs(forecast.middle - actual)
    hits = statistics.directional_hits(actual, forecast.middle, last)
    relative = forecast.middle / actual - 1
    years = dates.astype("datetime64[Y]")
    bias = {str(year): _median(relative[years == year]) for year in np.unique(years)}
    held, interval_ratio = _intervals(actual, forecast, reference)
    return Score(
        float(np.nanmean(statistics.mean_absolute_error(forecast.middle, actual))),
        ratio(error, np.abs(last - actual)),
        statistics.mean_over_panel(hits),
        statistics.mean_over_panel(hits - (actual > last)),
        held,
        interval_ratio,
        {"all": _median(relative)} | bias,
        float(np.mean(relative[~np.isnan(relative)] < 0)),
        int((~np.isnan(error)).sum()),
    )


def ratio(losses: Array, others: Array) -> Ratio | None:
    """Compare losses [days, tickers], NaN where there is none, ticker by ticker.

    Returns:
        None where the others lose nothing at all.
    """
    there = ~np.isnan(losses + others)
    losses, others = (np.where(there, values, np.nan) for values in (losses, others))
    nothing = np.zeros_like(losses)
    unit = statistics.mean_absolute_error(others, nothing)
    unit[unit == 0] = np.nan  # a price that never moved cannot be divided by
    each = statistics.mean_absolute_error(losses, nothing) / unit
    if np.isnan(each).all():
        return None
    value = float(np.nanmean(each))
    test = statistics.diebold_mariano(losses / unit, others / unit)
    if test is None:
        return Ratio(value, None, None, None)
    reach = (test.high - test.low) / 2
    return Ratio(value, value - reach, value + reach, test.p)


def _intervals(
    actual: Closes, forecast: Forecast, reference: Forecast
) -> tuple[Estimate | None, Ratio | None]:
    if forecast.low is None or forecast.high is None:
        return None, None
    held = statistics.mean_over_panel(statistics.inside(actual, forecast.low, forecast.high))
    if reference.low is None or reference.high is None:
        return held, None
    mine = statistics.interval_score(actual, forecast.low, forecast.high, COVERAGE)
    other = statistics.interval_score(actual, reference.low, reference.high, COVERAGE)
    return held, ratio(mine, other)


def _joined(pieces: list[Forecast]) -> Forecast:
    lows = [piece.low for piece in pieces if piece.low is not None]
    highs = [piece.high for piece in pieces if piece.high is not None]
    return Forecast(
        np.concatenate([piece.middle for piece in pieces]),
        np.concatenate(lows) if len(lows) == len(pieces) else None,
        np.concatenate(highs) if len(highs) == len(pieces) else None,
    )


def _median(values: Array) -> float:
    there = values[~np.isnan(values)]
    return float(np.median(there)) if there.size else math.nan


def _rounded(value: Any) -> Any:
    """Six digits are more than any of these figures can bear; NaN is no JSON."""
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
