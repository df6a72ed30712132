"""The network of stocks: what it learns, what it must not know, and its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_prices import made_prices

from pi_edge.learning.forecasts import features
from pi_edge.quiet import quiet

CLOSES = made_prices(420, 4)
TRAIN, VALIDATION, TEST = slice(0, 252), slice(252, 336), slice(336, 420)
ROWS = np.arange(TEST.start, TEST.stop)


@pytest.fixture(scope="module")
def network(stocks_trainer: Any) -> Any:
    return stocks_trainer.network


@pytest.fixture(scope="module", params=["linear", "mlp", "joint"])
def architecture(network: Any, request: pytest.FixtureRequest) -> Any:
    return {
        "linear": network.Architecture((), 5),
        "mlp": network.Architecture((8,), 10, scale="mixed"),
        "joint": network.Architecture((8,), 5, joint=True),
    }[request.param]


@pytest.fixture(scope="module")
def fitted(network: Any, architecture: Any) -> Any:
    return network.fit(CLOSES, TRAIN, VALIDATION, architecture, seed=0)


def assert_same(one: Any, other: Any) -> None:
    for key, value in one.weights.items():
        assert value.tobytes() == other.weights[key].tobytes(), key
    assert (one.shrinkage, one.low, one.high) == (other.shrinkage, other.low, other.high)


def autoregressive(days: int, tickers: int, part: float) -> np.ndarray:
    """Prices whose daily return is `part` of the one before, and chance."""
    random = np.random.default_rng(5)
    returns = np.zeros((days, tickers))
    for day in range(1, days):
        returns[day] = part * returns[day - 1] + 0.01 * random.standard_normal(tickers)
    return np.asarray(50 * np.exp(np.cumsum(returns, 0)))


@pytest.mark.parametrize("day", [336, 340, 419])
def test_a_price_of_the_test_span_changes_nothing_that_was_learned(
    network: Any, architecture: Any, fitted: Any, day: int
) -> None:
    changed = CLOSES.copy()
    changed[day] *= 3
    assert_same(fitted, network.fit(changed, TRAIN, VALIDATION, architecture, seed=0))


@pytest.mark.parametrize("day", [252, 300])
def test_a_price_of_the_validation_span_changes_no_weight(
    network: Any, architecture: Any, fitted: Any, day: int
) -> None:
    changed = CLOSES.copy()
    changed[day] *= 1.3
    again = network.fit(changed, TRAIN, VALIDATION, architecture, seed=0)
    assert (again.low, again.high) != (fitted.low, fitted.high)
    assert_same(fitted, replace(fitted, weights=again.weights))


@pytest.mark.parametrize("day", [337, 360, 419])
def test_a_price_changes_no_forecast_made_before_it(network: Any, fitted: Any, day: int) -> None:
    changed = CLOSES.copy()
    changed[day:] *= np.linspace(0.5, 2, len(CLOSES) - day)[:, None]
    before = np.arange(TEST.start, day + 1)
    for one, other in zip(
        vars(network.predict(CLOSES, before, fitted)).values(),
        vars(network.predict(changed, before, fitted)).values(),
        strict=True,
    ):
        assert one.tobytes() == other.tobytes()


def test_a_year_is_forecast_from_what_came_before_it_alone(network: Any) -> None:
    run = network.fit_predict(network.Architecture((), 5), seed=0)
    changed = CLOSES.copy()
    changed[370:] *= 2
    one, other = (run(closes, slice(0, 336), TEST).middle for closes in (CLOSES, changed))
    assert one[: 371 - 336].tobytes() == other[: 371 - 336].tobytes()
    assert (one[371 - 336 :] != other[371 - 336 :]).all()


@pytest.mark.parametrize("day", [252, 300, 336, 419])
def test_no_later_price_changes_the_fitted_scaler_of_the_levels(
    stocks_trainer: Any, day: int
) -> None:
    levels = stocks_trainer.levels
    changed = CLOSES.copy()
    changed[day] *= 100
    one, other = (levels.fit(closes, TRAIN, VALIDATION) for closes in (CLOSES, changed))
    assert one.lowest.tobytes() == other.lowest.tobytes()
    assert one.span.tobytes() == other.span.tobytes()


def test_the_same_seed_gives_the_same_weights_and_another_others(network: Any) -> None:
    mlp = network.Architecture((8,), 5)
    first, second, other = (
        network.fit(CLOSES, TRAIN, VALIDATION, mlp, seed=seed) for seed in (4, 4, 5)
    )
    assert_same(first, second)
    assert (first.weights["dense1/kernel"] != other.weights["dense1/kernel"]).any()


@pytest.fixture
def all_steps(stocks_trainer: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    layers = stocks_trainer.layers
    monkeypatch.setattr(layers, "STEPS", 1000)
    layers._trainer.cache_clear()
    yield
    layers._trainer.cache_clear()


@pytest.mark.usefixtures("all_steps")
def test_what_can_be_learned_is_learned(network: Any) -> None:
    closes = autoregressive(1000, 4, 0.6)
    train, validation, rows = slice(0, 600), slice(600, 800), np.arange(800, 1000)
    for architecture in (network.Architecture((), 5), network.Architecture((8,), 5)):
        fitted = network.fit(closes, train, validation, architecture, seed=0)
        error = np.abs(network.predict(closes, rows, fitted).middle - closes[rows]).mean()
        last = np.abs(closes[rows - 1] - closes[rows]).mean()
        # Of a return's deviation, sqrt(1 - 0.6²) = 0.8 is chance.
        assert 0.75 < error / last < 0.88
        assert fitted.shrinkage >= 0.8


def test_shrinkage_never_makes_it_worse_on_validation(network: Any, fitted: Any) -> None:
    rows = features.usable(VALIDATION)
    scale = fitted.architecture.weights
    came = features.targets(CLOSES, rows, 1, scale)
    said = network.standard(CLOSES, rows, fitted)
    assert np.abs(came - said).mean() <= np.abs(came).mean()


def test_four_of_five_validation_days_fall_into_the_interval(network: Any, fitted: Any) -> None:
    rows = features.usable(VALIDATION)
    made = network.predict(CLOSES, rows, fitted)
    inside = (made.low <= CLOSES[rows]) & (CLOSES[rows] <= made.high)
    assert 0.79 <= inside.mean() <= 0.82


def test_the_interval_is_as_wide_as_the_days_are_wild(network: Any, fitted: Any) -> None:
    made = network.predict(CLOSES, ROWS, fitted)
    width = np.log(made.high / made.low)
    scale = features.volatility(CLOSES, ROWS, fitted.architecture.weights)
    np.testing.assert_allclose(width / scale, (width / scale)[0, 0], rtol=1e-9)
    assert (made.low <= made.middle).all()
    assert (made.middle <= made.high).all()


def test_one_set_of_weights_serves_any_number_of_stocks(network: Any) -> None:
    fitted = network.fit(CLOSES, TRAIN, VALIDATION, network.Architecture((8,), 5), seed=0)
    many = made_prices(420, 30)
    assert np.isfinite(network.predict(many, ROWS, fitted).middle).all()


def test_a_stock_listed_late_is_masked_and_the_others_learned(
    network: Any, architecture: Any
) -> None:
    closes = CLOSES.copy()
    closes[:300, 1] = np.nan
    fitted = network.fit(closes, TRAIN, VALIDATION, architecture, seed=0)
    assert all(np.isfinite(value).all() for value in fitted.weights.values())
    made = network.predict(closes, np.arange(340, 400), fitted).middle
    assert np.isfinite(made[:, [0, 2, 3]]).all()
    assert np.isnan(made[: 361 - 340, 1]).all()
    assert np.isfinite(made[361 - 340 :, 1]).all()


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_graph_gives_what_numpy_gives(
    network: Any, fitted: Any, tensorflow: Any, horizon: int
) -> None:
    further = replace(fitted, architecture=replace(fitted.architecture, horizon=horizon))
    windows = np.lib.stride_tricks.sliding_window_view(CLOSES, features.DAYS, axis=0)
    prices = windows[ROWS - features.DAYS].transpose(0, 2, 1).astype(np.float32)
    with quiet():
        given = network.graph(further, 4)(tensorflow.constant(prices))
    made = network.predict(CLOSES, ROWS, further)
    for name, wanted in (("forecast", made.middle), ("low", made.low), ("high", made.high)):
        np.testing.assert_allclose(given[name].numpy(), wanted, rtol=2e-6)


def test_untrained_it_says_the_last_price(network: Any) -> None:
    architecture = network.Architecture((8,), 5)
    weights = stocks_start(network, architecture)
    fitted = network.Fitted(architecture, weights, 1.0, -1.2, 1.2)
    np.testing.assert_array_equal(network.predict(CLOSES, ROWS, fitted).middle, CLOSES[ROWS - 1])


def stocks_start(network: Any, architecture: Any) -> Any:
    from pi_edge.desktop.stocks.layers import start_weights

    widths = (2 * architecture.lookback, *architecture.hidden, 1)
    return start_weights(widths, np.random.default_rng(0))
