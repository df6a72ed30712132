"""Statistics of forecasts: hand-worked cases, and SciPy's and statsmodels' figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from support import missing

from pi_edge.learning.forecasts import statistics

NAN = math.nan


@pytest.fixture
def panel() -> np.ndarray:
    """Values [300, 7] whose days and neighbouring days resemble each other; some are missing."""
    random = np.random.default_rng(3)
    market = np.convolve(random.normal(size=303), [1, 0.8, 0.5, 0.2], "valid")
    values = 0.3 + market[:, None] + random.normal(size=(300, 7))
    values[:60, 2] = NAN
    values[100, :] = NAN
    return values


def module(name: str) -> Any:
    try:
        return __import__(name, fromlist=["_"])
    except ImportError:
        missing(f"{name} is not installed (extra test)")


def test_mean_absolute_error_is_each_tickers_own() -> None:
    actual = np.array([[10.0, 1.0], [12.0, NAN], [11.0, 3.0]])
    forecast = np.array([[11.0, 1.5], [10.0, 2.0], [11.0, 2.5]])
    assert statistics.mean_absolute_error(actual, forecast) == pytest.approx([1.0, 0.5])


def test_a_ticker_without_a_price_has_no_error() -> None:
    nothing = np.full((3, 1), NAN)
    assert np.isnan(statistics.mean_absolute_error(nothing, nothing)).all()


def test_direction_is_counted_only_where_the_close_moved_and_a_call_was_made() -> None:
    last = np.array([[10.0, 10.0, 10.0, 10.0, NAN]])
    actual = np.array([[11.0, 9.0, 10.0, 11.0, 11.0]])
    forecast = np.array([[10.5, 10.5, 10.5, 10.0, 10.5]])
    hits = statistics.directional_hits(actual, forecast, last)
    np.testing.assert_array_equal(hits, [[1.0, 0.0, NAN, NAN, NAN]])


def test_the_edges_belong_to_the_interval() -> None:
    actual = np.array([[1.0, 2.0, 3.0, NAN]])
    within = statistics.inside(actual, np.full((1, 4), 1.0), np.full((1, 4), 2.0))
    np.testing.assert_array_equal(within, [[1.0, 1.0, 0.0, NAN]])


def test_an_interval_score_is_the_width_and_ten_times_the_miss_at_80_percent() -> None:
    actual = np.array([[5.0, 3.0, 9.0]])
    score = statistics.interval_score(actual, np.full((1, 3), 4.0), np.full((1, 3), 7.0), 0.8)
    np.testing.assert_allclose(score, [[3.0, 13.0, 23.0]])


def test_the_long_run_variance_of_four_days_by_hand() -> None:
    # g0 = (1 + 1 + 1 + 1) / 4 = 1, g1 = (1 - 1 + 1) / 4, Bartlett's weight 1/2: 1 + 2/2 * 0.25.
    assert statistics.long_run_variance(np.array([1.0, 1.0, -1.0, -1.0]), 1) == pytest.approx(1.25)


def test_diebold_mariano_of_four_days_by_hand() -> None:
    # Differentials 3, 1, 1, 3: mean 2, variance 1, no lags: 2 / sqrt(1/4) = 4, times sqrt(3/4).
    losses = np.array([[4.0], [2.0], [2.0], [4.0]])
    result = statistics.diebold_mariano(losses, np.ones((4, 1)), lags=0)
    assert result is not None
    assert result.difference == pytest.approx(2.0)
    assert result.statistic == pytest.approx(4 * math.sqrt(0.75))


def test_the_correction_for_a_longer_horizon_by_hand() -> None:
    losses = np.array([[4.0], [2.0], [2.0], [4.0], [3.0], [3.0], [2.0], [4.0]])
    one = statistics.diebold_mariano(losses, np.zeros((8, 1)), horizon=1, lags=1)
    two = statistics.diebold_mariano(losses, np.zeros((8, 1)), horizon=2, lags=1)
    assert one is not None
    assert two is not None
    # Horizon 1: (8 + 1 - 2) / 8. Horizon 2: (8 + 1 - 4 + 2/8) / 8.
    assert two.statistic / one.statistic == pytest.approx(math.sqrt(5.25 / 7))


def test_a_forecast_that_never_differs_cannot_be_compared() -> None:
    losses = np.random.default_rng(0).random((50, 3))
    assert statistics.diebold_mariano(losses, losses) is None


def test_one_day_gives_no_interval() -> None:
    assert statistics.mean_over_panel(np.array([[1.0, 0.0, 1.0]])) is None


def test_identical_tickers_say_no_more_than_one() -> None:
    one = np.random.default_rng(1).random((200, 1))
    single, twenty = (statistics.mean_over_panel(np.tile(one, (1, n))) for n in (1, 20))
    assert single is not None
    assert twenty is not None
    assert twenty.count == 20 * single.count
    assert (twenty.low, twenty.high) == pytest.approx((single.low, single.high))


def test_a_fair_coin_is_inside_its_interval_19_times_of_20() -> None:
    random = np.random.default_rng(5)
    hits = 0
    for _ in range(1000):
        market = random.random((250, 1)) < 0.5  # all ten stocks mostly go the same way
        same = random.random((250, 10)) < 0.8
        estimate = statistics.mean_over_panel(np.where(same, market, ~market).astype(float))
        assert estimate is not None
        hits += estimate.low <= 0.5 <= estimate.high
    assert 925 <= hits <= 965


def test_a_test_of_equals_rejects_one_time_in_twenty() -> None:
    random = np.random.default_rng(6)
    rejected = 0
    for _ in range(1000):
        losses = np.abs(random.normal(size=(250, 2, 5)))
        result = statistics.diebold_mariano(losses[:, 0], losses[:, 1])
        assert result is not None
        rejected += result.p < 0.05
    assert 30 <= rejected <= 80


@pytest.mark.parametrize("freedom", [1, 2, 7, 30, 1661])
def test_students_t_is_scipys(freedom: int) -> None:
    scipy = module("scipy.stats")
    for statistic in (0.0, 0.01, -0.7, 1.96, -4.0, 15.0):
        expected = 2 * scipy.t.sf(abs(statistic), freedom)
        found = statistics.student_t_two_sided(statistic, freedom)
        assert found == pytest.approx(expected, rel=1e-9)
    expected = scipy.t.ppf(0.975, freedom)
    assert statistics.student_t_quantile(0.975, freedom) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("lags", [0, 3, 8])
def test_the_variance_over_a_panel_is_driscolls_and_kraays_as_in_statsmodels(
    panel: np.ndarray, lags: int
) -> None:
    api = module("statsmodels.api")
    days = np.broadcast_to(np.arange(300)[:, None], panel.shape)
    there = ~np.isnan(panel)
    values, time = panel[there], days[there]
    _, time = np.unique(time, return_inverse=True)
    fitted = api.OLS(values, np.ones_like(values)).fit(
        cov_type="hac-groupsum",
        cov_kwds={"time": time, "maxlags": lags, "use_correction": "cluster", "df_correction": 0},
    )
    estimate = statistics.mean_over_panel(panel, lags)
    assert estimate is not None
    assert estimate.value == pytest.approx(fitted.params[0])
    reach = statistics.student_t_quantile(0.975, estimate.days - 1)
    assert (estimate.high - estimate.value) / reach == pytest.approx(fitted.bse[0])


@pytest.mark.parametrize("lags", [0, 5])
def test_diebold_mariano_without_its_correction_is_statsmodels_newey_west(
    panel: np.ndarray, lags: int
) -> None:
    api = module("statsmodels.api")
    result = statistics.diebold_mariano(panel, np.zeros_like(panel), lags=lags)
    daily = np.array([np.nanmean(row) for row in panel if not np.isnan(row).all()])
    fitted = api.OLS(daily, np.ones_like(daily)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    assert result is not None
    days = len(daily)
    assert result.statistic == pytest.approx(fitted.tvalues[0] * math.sqrt((days - 1) / days))
