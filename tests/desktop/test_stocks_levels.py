"""stocks-levels: learned as the notes had it, and wrong where prices leave the training range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from support import missing

from pi_edge.errors import BadInput
from pi_edge.learning.forecasts.spans import split

DAYS = 600
SPANS = split(DAYS)
SMALL: dict[str, Any] = {"days": 5, "hidden": (16, 8)}


def walk(seed: int, drift: float, tickers: int = 3) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(drift, 0.01, (DAYS, tickers))
    return np.asarray(50 * np.exp(np.cumsum(steps, axis=0)))


def rows(span: slice) -> np.ndarray:
    return np.arange(span.start, span.stop)


@pytest.fixture(scope="session")
def levels(tensorflow: Any) -> Any:
    from pi_edge.desktop.stocks import levels

    return levels


@pytest.fixture(scope="module")
def closes() -> np.ndarray:
    return walk(1, 0.0)


@pytest.fixture(scope="module")
def fitted(levels: Any, closes: np.ndarray) -> Any:
    return levels.fit(closes, SPANS.train, SPANS.validation, **SMALL)


def test_prices_are_scaled_as_scikit_learns_min_max_scaler_does(levels: Any) -> None:
    try:
        from sklearn.preprocessing import MinMaxScaler
    except ImportError:
        missing("scikit-learn is not installed (extra test)")
    closes = walk(2, 0.001)
    closes[:40, 1] = math.nan
    closes[:, 2] = 7.5
    lowest, span = levels.min_max(closes)
    np.testing.assert_allclose(
        (closes - lowest) / span, MinMaxScaler().fit_transform(closes), atol=1e-6
    )


def test_kernels_are_drawn_as_tensorflow_draws_variance_scaling(
    levels: Any, tensorflow: Any
) -> None:
    ours = levels.variance_scaling(np.random.default_rng(0), 300, 100)
    draw = tensorflow.keras.initializers.VarianceScaling(1.0, "fan_avg", "uniform", seed=0)
    theirs = draw((300, 100)).numpy()
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-3)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)


def test_nothing_after_the_validation_span_changes_what_is_learned(
    levels: Any, closes: np.ndarray, fitted: Any
) -> None:
    changed = closes.copy()
    changed[SPANS.test] *= 3
    again = levels.fit(changed, SPANS.train, SPANS.validation, **SMALL)
    for name, value in fitted.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], value)


def test_the_scaler_knows_the_training_span_alone(
    levels: Any, closes: np.ndarray, fitted: Any
) -> None:
    lowest, span = levels.min_max(closes[SPANS.train])
    np.testing.assert_array_equal(fitted.lowest, lowest)
    np.testing.assert_array_equal(fitted.span, span)


@pytest.mark.parametrize("day", [SPANS.test.start, SPANS.test.start + 50, DAYS - 1])
def test_no_forecast_knows_its_own_day_or_a_later_one(
    levels: Any, closes: np.ndarray, fitted: Any, day: int
) -> None:
    changed = closes.copy()
    changed[day:] *= np.random.default_rng(day).uniform(0.2, 5, changed[day:].shape)
    until = np.arange(SPANS.test.start, day + 1)
    before, after = (levels.forecast(fitted, prices, until) for prices in (closes, changed))
    np.testing.assert_array_equal(before.middle, after.middle)
    np.testing.assert_array_equal(before.low, after.low)
    np.testing.assert_array_equal(before.high, after.high)


def test_equal_seeds_learn_equal_weights(levels: Any, closes: np.ndarray, fitted: Any) -> None:
    again = levels.fit(closes, SPANS.train, SPANS.validation, **SMALL)
    other = levels.fit(closes, SPANS.train, SPANS.validation, seed=1, **SMALL)
    np.testing.assert_array_equal(again.kernels[1], fitted.kernels[1])
    assert not np.array_equal(other.kernels[1], fitted.kernels[1])


def error_beside_last_price(levels: Any, closes: np.ndarray) -> float:
    """The error on the test span, as a multiple of that of the last price."""
    model = levels.fit(closes, SPANS.train, SPANS.validation, **SMALL)
    test = rows(SPANS.test)
    error = np.abs(levels.forecast(model, closes, test).middle - closes[test]).mean()
    return float(error / np.abs(closes[test] - closes[test - 1]).mean())


def test_inside_its_training_range_it_learns_what_comes_next(levels: Any) -> None:
    time = np.arange(DAYS)[:, None]
    waves = 50 + 10 * np.sin(time / np.array([3.0, 4.0, 5.0]))
    assert error_beside_last_price(levels, waves) < 0.5


def test_prices_that_rise_out_of_their_training_range_lead_it_far_astray(levels: Any) -> None:
    assert error_beside_last_price(levels, walk(3, 0.004)) > 5


def test_the_graph_computes_the_same_from_prices(
    levels: Any, tensorflow: Any, closes: np.ndarray, fitted: Any
) -> None:
    test = rows(SPANS.test)
    windows = np.stack([closes[row - fitted.days : row] for row in test]).astype(np.float32)
    answer = levels.graph(fitted)(tensorflow.constant(windows))
    wanted = levels.forecast(fitted, closes, test)
    assert set(answer) == {"forecast", "low", "high"}
    np.testing.assert_allclose(answer["forecast"], wanted.middle, rtol=1e-5)
    np.testing.assert_allclose(answer["low"], wanted.low, rtol=1e-5)
    np.testing.assert_allclose(answer["high"], wanted.high, rtol=1e-5)


def test_a_forecast_lies_in_its_own_interval(levels: Any, closes: np.ndarray, fitted: Any) -> None:
    found = levels.forecast(fitted, closes, rows(SPANS.test))
    assert (found.low <= found.middle).all()
    assert (found.middle <= found.high).all()


def test_weights_come_back_from_the_arrays_they_were_kept_as(levels: Any, fitted: Any) -> None:
    again = levels.from_arrays(fitted.arrays())
    assert again.days == fitted.days
    assert again.rounds == fitted.rounds
    for mine, theirs in zip(
        again.kernels + again.biases, fitted.kernels + fitted.biases, strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_a_stock_listed_during_training_is_learned_from_its_listing_on(levels: Any) -> None:
    closes = walk(4, 0.0)
    closes[:200, 1] = math.nan
    model = levels.fit(closes, SPANS.train, SPANS.validation, **SMALL)
    assert np.isfinite(levels.forecast(model, closes, rows(SPANS.test)).middle).all()


def test_a_stock_listed_too_late_is_named(levels: Any) -> None:
    closes = walk(4, 0.0)
    closes[:350, 1] = math.nan
    with pytest.raises(BadInput, match=r"^NEW: fewer than 60 of the 360 training days"):
        levels.fit(closes, SPANS.train, SPANS.validation, tickers=("A", "NEW", "C"), **SMALL)


def test_in_an_evaluation_a_stock_listed_too_late_has_no_forecast(
    levels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "MOST_ROUNDS", 1)
    closes = walk(4, 0.0)
    closes[:350, 1] = math.nan
    found = levels.fit_predict(closes, slice(0, SPANS.validation.stop), SPANS.test)
    assert np.isnan(found.middle[:, 1]).all()
    assert np.isfinite(found.middle[:, [0, 2]]).all()


def test_an_evaluation_fits_on_its_fit_rows_alone(
    levels: Any, closes: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "MOST_ROUNDS", 1)
    changed = closes.copy()
    changed[-1] *= 4
    fit_on = slice(0, SPANS.validation.stop)
    before, after = (levels.fit_predict(c, fit_on, SPANS.test) for c in (closes, changed))
    np.testing.assert_array_equal(before.middle, after.middle)
