"""Baselines: what each forecasts, and that none looks ahead."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support import missing

from pi_edge.desktop.stocks import baselines
from pi_edge.learning.forecasts import features
from pi_edge.learning.forecasts.forecast import FitPredict

DAYS, TICKERS = 500, 4
FIT, TARGET = slice(0, 400), slice(400, 500)
MODELS = baselines.all_models()
RIDGE = MODELS["ridge"]
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture
def closes() -> np.ndarray:
    """A stock listed late among four; the second one's returns follow the day before's."""
    random = np.random.default_rng(11)
    returns = random.normal(0.0005, 0.01, (DAYS, TICKERS))
    for day in range(1, DAYS):
        returns[day, 1] += 0.5 * returns[day - 1, 1]
    prices = 50 * np.exp(np.cumsum(returns, axis=0))
    prices[:150, 3] = math.nan
    return prices


@EVERY
@pytest.mark.parametrize("day", [401, 450, 499])
def test_no_forecast_knows_its_own_day_or_a_later_one(
    closes: np.ndarray, model: FitPredict, day: int
) -> None:
    changed = closes.copy()
    changed[day:] *= np.random.default_rng(day).uniform(0.2, 5, changed[day:].shape)
    before, after = model(closes, FIT, TARGET), model(changed, FIT, TARGET)
    until = day - TARGET.start + 1
    for name in ("middle", "low", "high"):
        one, two = getattr(before, name)[:until], getattr(after, name)[:until]
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, two)


@EVERY
def test_nothing_is_learned_after_the_rows_to_fit_on(closes: np.ndarray, model: FitPredict) -> None:
    changed = closes.copy()
    changed[FIT.stop : FIT.stop + 5] *= 2
    much_later = slice(FIT.stop + 5 + features.DAYS, DAYS)
    before, after = model(closes, FIT, much_later), model(changed, FIT, much_later)
    np.testing.assert_array_equal(before.middle, after.middle)
    np.testing.assert_array_equal(before.low, after.low)


@EVERY
def test_nothing_before_the_rows_to_fit_on_is_learned_either(
    closes: np.ndarray, model: FitPredict
) -> None:
    changed = closes.copy()
    changed[:100] *= np.random.default_rng(0).uniform(0.5, 2, (100, TICKERS))
    fit = slice(100 + features.DAYS, 400)
    if model is RIDGE:  # its first windows reach back by design
        fit = slice(100 + 2 * features.DAYS, 400)
    before, after = model(closes, fit, TARGET), model(changed, fit, TARGET)
    np.testing.assert_allclose(before.middle, after.middle, rtol=1e-12)


@EVERY
def test_the_interval_holds_the_forecast_and_eight_of_ten_closes(
    closes: np.ndarray, model: FitPredict
) -> None:
    found = model(closes, FIT, TARGET)
    assert (found.low < found.middle).all()
    assert (found.middle < found.high).all()
    inside = (closes[TARGET] >= found.low) & (closes[TARGET] <= found.high)
    assert 0.7 < inside.mean() < 0.9


@EVERY
def test_a_stock_listed_after_the_fit_gets_no_interval_and_spoils_no_other(
    closes: np.ndarray, model: FitPredict
) -> None:
    late = closes.copy()
    late[:395, 3] = math.nan
    found = model(late, FIT, TARGET)
    assert np.isfinite(found.middle[:, :3]).all()
    if model is not RIDGE:  # which needs no history of the stock itself to learn
        assert np.isnan(found.low[:, 3]).all()


def test_the_last_price_is_the_close_before(closes: np.ndarray) -> None:
    found = baselines.last_price(closes, FIT, TARGET)
    np.testing.assert_array_equal(found.middle, closes[399:499])


def test_the_mean_return_is_that_of_the_rows_to_fit_on(closes: np.ndarray) -> None:
    found = baselines.mean_return(closes, FIT, TARGET)
    growth = (closes[399, 0] / closes[0, 0]) ** (1 / 399)
    np.testing.assert_allclose(found.middle[:, 0], closes[399:499, 0] * growth)


def test_ar1_is_the_line_of_least_squares(closes: np.ndarray) -> None:
    returns = np.diff(np.log(closes[FIT, 1]))
    slope, intercept = np.polyfit(returns[:-1], returns[1:], 1)
    assert slope == pytest.approx(0.5, abs=0.1)
    found = baselines.ar1(closes, FIT, TARGET)
    latest = np.log(closes[399:499, 1] / closes[398:498, 1])
    np.testing.assert_allclose(
        found.middle[:, 1], closes[399:499, 1] * np.exp(intercept + slope * latest)
    )


def test_ar1_leaves_a_price_that_never_moves_where_it_is() -> None:
    flat = np.full((100, 1), 7.0)
    found = baselines.ar1(flat, slice(0, 80), slice(80, 100))
    np.testing.assert_allclose(found.middle, 7.0)


def test_ridge_is_scikit_learns_with_the_penalty_that_did_best_on_the_last_quarter(
    closes: np.ndarray,
) -> None:
    try:
        from sklearn.linear_model import Ridge
    except ImportError:
        missing("scikit-learn is not installed (extra test)")

    def samples(span: slice) -> tuple[np.ndarray, np.ndarray]:
        rows = features.usable(span)
        x, y = features.inputs(closes, rows, 10), features.targets(closes, rows)
        there = np.isfinite(x).all(2) & np.isfinite(y)
        return x[there].astype(float), np.clip(y[there], -features.CLIP, features.CLIP)

    held_x, held_y = samples(slice(300, 400))

    def error(penalty: float) -> float:
        model = Ridge(penalty).fit(*samples(slice(0, 300)))
        return float(np.mean((model.predict(held_x) - held_y) ** 2))

    best = Ridge(min(baselines.PENALTIES, key=error)).fit(*samples(FIT))
    rows = np.arange(400, 500)
    inputs = features.inputs(closes, rows, 10)
    said = best.predict(inputs.reshape(-1, 20).astype(float)).reshape(100, TICKERS)
    wanted = features.prices(closes[399:499], features.volatility(closes, rows), said)
    np.testing.assert_allclose(RIDGE(closes, FIT, TARGET).middle, wanted, rtol=1e-9)


def test_ridge_sees_what_a_network_sees(closes: np.ndarray) -> None:
    class Architecture:
        lookback = 20
        weights = features.SCALES["even"]

    given = baselines.all_models(Architecture())["ridge"](closes, FIT, TARGET)
    same = baselines.ridge(20, features.SCALES["even"])(closes, FIT, TARGET)
    np.testing.assert_array_equal(given.middle, same.middle)
    assert not np.array_equal(given.middle, RIDGE(closes, FIT, TARGET).middle)
