"""No look-ahead: what is used for a day is bitwise the same whatever comes from that day on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_prices import made_prices

from pi_edge.learning.forecasts import features

DAYS = features.DAYS
TICKERS = 3
CLOSES = made_prices(200, TICKERS)


def everything(closes: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """All that a forecast of `rows` is made from, for each way to measure the volatility."""
    made = []
    for weights in features.SCALES.values():
        made.append(features.volatility(closes, rows, weights))
        made += [features.inputs(closes, rows, lookback, weights) for lookback in (1, 5, DAYS - 1)]
        made.append(features.standardised(closes, rows, 10, weights))
    return made


@given(
    day=st.integers(DAYS, len(CLOSES) - 1),
    ticker=st.integers(0, TICKERS - 1),
    after=st.integers(0, 30),
    factor=st.sampled_from([0.01, 0.5, 0.999, 1.001, 3.0, 1e4, np.nan]),
)
@settings(max_examples=150, deadline=None)
def test_a_price_at_or_after_a_day_changes_nothing_used_before_it(
    day: int, ticker: int, after: int, factor: float
) -> None:
    changed = CLOSES.copy()
    changed[min(day + after, len(CLOSES) - 1), ticker] *= factor
    rows = np.arange(DAYS, day + 1)
    for one, other in zip(everything(CLOSES, rows), everything(changed, rows), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("day", [DAYS, 100, 150, len(CLOSES) - 1])
def test_leaving_out_all_that_comes_after_changes_nothing(day: int) -> None:
    rows = np.arange(DAYS, day)
    for one, other in zip(everything(CLOSES, rows), everything(CLOSES[:day], rows), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", features.SCALES)
def test_the_price_of_the_day_before_does_count(name: str) -> None:
    changed = CLOSES.copy()
    changed[99] *= 1.1
    rows = np.array([100])
    weights = features.SCALES[name]
    assert (
        features.volatility(changed, rows, weights) > features.volatility(CLOSES, rows, weights)
    ).all()


@pytest.mark.parametrize("name", features.SCALES)
def test_volatility_is_the_root_of_the_windows_weighted_squares(name: str) -> None:
    weights = features.SCALES[name]
    assert weights.sum() == pytest.approx(1)
    window = np.diff(np.log(CLOSES[150 - DAYS : 150]), axis=0)
    np.testing.assert_allclose(
        features.volatility(CLOSES, np.array([150]), weights)[0],
        np.sqrt((weights[:, None] * window**2).sum(0)),
        rtol=1e-12,
    )


def test_a_price_that_never_moves_has_a_volatility_to_divide_by() -> None:
    still = np.full((100, 1), 7.0)
    assert features.volatility(still, np.array([80])) == features.FLOOR
    assert (features.inputs(still, np.array([80]), 5) == 0).all()


def test_a_stock_listed_later_has_nothing_until_its_window_is_full() -> None:
    closes = CLOSES.copy()
    closes[:50, 1] = np.nan
    rows = np.arange(DAYS, len(closes))
    listed = np.isfinite(features.inputs(closes, rows, 5)).all(2)
    assert listed[:, [0, 2]].all()
    assert (np.flatnonzero(listed[:, 1])[0] + DAYS) == 50 + DAYS


def test_the_market_is_the_mean_of_the_stocks_listed() -> None:
    closes = CLOSES.copy()
    closes[:150, 1] = np.nan
    x = features.inputs(closes, np.array([140]), 5)
    np.testing.assert_allclose(x[0, 0, 5:], x[0, [0, 2], :5].mean(0), rtol=1e-6)


def test_a_crash_is_cut_where_it_would_outweigh_all_else() -> None:
    closes = CLOSES.copy()
    closes[99:] *= 0.05
    weights = features.latest(DAYS - 1)
    assert features.standardised(closes, np.array([100]), 1, weights).min() >= -features.CLIP


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_prices_are_what_targets_came_from(horizon: int) -> None:
    rows = features.usable(slice(80, 180), horizon)
    scale = features.volatility(CLOSES, rows)
    standard = features.targets(CLOSES, rows, horizon)
    np.testing.assert_allclose(
        features.prices(CLOSES[rows - 1], scale, standard, horizon),
        CLOSES[rows - 1 + horizon],
        rtol=1e-12,
    )


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_no_outcome_of_a_span_lies_in_the_next(horizon: int) -> None:
    rows = features.usable(slice(0, 120), horizon)
    assert rows[0] == DAYS
    assert rows[-1] - 1 + horizon == 119


def test_of_too_many_rows_some_are_taken_evenly() -> None:
    rows = features.usable(slice(100, 200), most=12)
    assert len(rows) == 12
    assert (rows[0], rows[-1]) == (100, 199)
    assert set(np.diff(rows)) == {9}
