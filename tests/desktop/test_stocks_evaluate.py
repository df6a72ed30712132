"""Walking forward: who learns from what, and that the figures are what they say."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from pi_edge.desktop.stocks import baselines, evaluate
from pi_edge.learning.forecasts.forecast import Closes, Forecast
from pi_edge.learning.forecasts.spans import split

DAYS = 2000
DATES = np.arange("2012-01-02", DAYS, dtype="datetime64[D]")
SPANS = split(DAYS)


@pytest.fixture
def closes() -> np.ndarray:
    random = np.random.default_rng(21)
    market = random.normal(0, 0.01, (DAYS, 1))
    return np.asarray(50 * np.exp(np.cumsum(market + random.normal(0, 0.01, (DAYS, 5)), axis=0)))


def oracle(closes: Closes, fit: slice, target: slice) -> Forecast:
    """A leak: it knows what comes."""
    return Forecast(closes[target], closes[target] * 0.999, closes[target] * 1.001)


def halved(closes: Closes, fit: slice, target: slice) -> Forecast:
    """Always half of what came: much too low."""
    return Forecast(closes[target] / 2)


def nothing(closes: Closes, fit: slice, target: slice) -> Forecast:
    return Forecast(np.full_like(closes[target], math.nan))


def test_models_learn_anew_each_year_from_all_rows_before_it(closes: np.ndarray) -> None:
    asked: list[tuple[slice, slice]] = []

    def spy(closes: Closes, fit: slice, target: slice) -> Forecast:
        asked.append((fit, target))
        return baselines.last_price(closes, fit, target)

    evaluate.walk_forward(closes, DATES, SPANS, {"spy": spy})
    assert len(asked) == 2  # 20 May 2016 to 23 June 2017
    new_year = int(np.flatnonzero(np.datetime64("2017-01-01") == DATES)[0])
    assert asked == [
        (slice(0, SPANS.test.start), slice(SPANS.test.start, new_year)),
        (slice(0, new_year), slice(new_year, DAYS)),
    ]


def test_less_than_a_year_is_one_stretch() -> None:
    dates = np.arange("2020-11-01", 300, dtype="datetime64[D]")
    assert evaluate.folds(dates, slice(200, 300)) == [slice(200, 300)]


def test_a_few_days_of_a_year_go_with_their_neighbours() -> None:
    dates = np.arange("2018-12-25", 745, dtype="datetime64[D]")  # to 7 January 2021
    first_of_2020 = int(np.flatnonzero(dates == np.datetime64("2020-01-01"))[0])
    assert evaluate.folds(dates, slice(0, 745)) == [
        slice(0, first_of_2020),
        slice(first_of_2020, 745),
    ]


def test_the_last_price_beside_itself_is_one_and_untested(closes: np.ndarray) -> None:
    found = evaluate.walk_forward(closes, DATES, SPANS, {"last": baselines.last_price})
    score = found.scores["last"]
    assert score.ratio == evaluate.Ratio(1.0, None, None, None)
    assert score.direction is None
    moves = np.abs(closes[SPANS.test] - closes[SPANS.test.start - 1 : -1])
    assert score.mae == pytest.approx(moves.mean())
    assert score.forecasts == moves.size


def test_a_leak_shows(closes: np.ndarray) -> None:
    score = evaluate.walk_forward(closes, DATES, SPANS, {"oracle": oracle}).scores["oracle"]
    assert score.ratio is not None
    assert score.ratio.value == 0
    assert score.ratio.p is not None
    assert score.ratio.p < 1e-12
    assert score.direction is not None
    assert score.direction.value == 1
    assert score.coverage is not None
    assert score.coverage.value == 1


def test_the_ratio_is_the_mean_over_tickers_of_each_ones_own(closes: np.ndarray) -> None:
    score = evaluate.walk_forward(closes, DATES, SPANS, {"halved": halved}).scores["halved"]
    test = closes[SPANS.test]
    moves = np.abs(test - closes[SPANS.test.start - 1 : -1]).mean(0)
    assert score.ratio is not None
    assert score.ratio.value == pytest.approx(((test / 2).mean(0) / moves).mean())
    assert score.ratio.low is not None
    assert score.ratio.high is not None
    assert score.ratio.low < score.ratio.value < score.ratio.high


def test_a_bias_is_told_for_every_year(closes: np.ndarray) -> None:
    score = evaluate.walk_forward(closes, DATES, SPANS, {"halved": halved}).scores["halved"]
    assert score.bias == pytest.approx({"all": -0.5, "2016": -0.5, "2017": -0.5})
    assert score.too_low == 1


def test_a_model_without_an_interval_has_no_coverage(closes: np.ndarray) -> None:
    score = evaluate.walk_forward(closes, DATES, SPANS, {"halved": halved}).scores["halved"]
    assert score.coverage is None
    assert score.interval_ratio is None


def test_a_narrower_interval_that_holds_as_much_scores_better(closes: np.ndarray) -> None:
    found = evaluate.walk_forward(
        closes, DATES, SPANS, {"last": baselines.last_price, "oracle": oracle}
    )
    ratio = found.scores["oracle"].interval_ratio
    assert found.scores["last"].interval_ratio == evaluate.Ratio(1.0, None, None, None)
    assert ratio is not None
    assert ratio.value < 0.2


def test_a_model_without_forecasts_has_no_score(closes: np.ndarray) -> None:
    found = evaluate.walk_forward(
        closes, DATES, SPANS, {"nothing": nothing, "last": baselines.last_price}
    )
    assert list(found.scores) == ["last"]


def test_days_before_a_listing_are_left_out(closes: np.ndarray) -> None:
    late = closes.copy()
    late[: SPANS.test.start + 100, 4] = math.nan
    found = evaluate.walk_forward(late, DATES, SPANS, baselines.all_models())
    forecasts = found.scores["last price"].forecasts
    assert forecasts == 4 * 400 + 299  # of the fifth, all but its first day
    for score in found.scores.values():
        assert score.ratio is not None
        assert score.ratio.value == pytest.approx(1, abs=0.02)


def test_a_stock_that_never_moves_is_left_out_of_the_ratio(closes: np.ndarray) -> None:
    flat = closes.copy()
    flat[:, 2] = 10.0
    found = evaluate.walk_forward(flat, DATES, SPANS, baselines.all_models())
    ratio = found.scores["mean return"].ratio
    assert ratio is not None
    assert ratio.value == pytest.approx(1, abs=0.02)


def test_one_stock_is_enough(closes: np.ndarray) -> None:
    found = evaluate.walk_forward(closes[:, :1], DATES, SPANS, baselines.all_models())
    assert "1 stock, learned anew 2 times" in str(found)


def test_on_a_random_walk_no_baseline_beats_the_last_price(closes: np.ndarray) -> None:
    found = evaluate.walk_forward(closes, DATES, SPANS, baselines.all_models())
    for name in ("mean return", "AR(1)", "ridge"):
        ratio = found.scores[name].ratio
        assert ratio is not None
        assert ratio.value == pytest.approx(1, abs=0.02)
        assert ratio.p is not None
        assert ratio.value > 1 or ratio.p > 0.01


def test_returns_that_follow_each_other_are_found(closes: np.ndarray) -> None:
    returns = np.diff(np.log(closes), axis=0, prepend=np.log(closes[:1]))
    for day in range(1, DAYS):
        returns[day] += 0.4 * returns[day - 1]
    followed = 50 * np.exp(np.cumsum(returns, axis=0))
    found = evaluate.walk_forward(followed, DATES, SPANS, baselines.all_models())
    for name in ("AR(1)", "ridge"):
        score = found.scores[name]
        assert score.ratio is not None
        assert score.ratio.value < 0.95
        assert score.ratio.p is not None
        assert score.ratio.p < 0.001
        assert score.beyond_up is not None
        assert score.beyond_up.low > 0


def test_every_fit_is_announced(closes: np.ndarray) -> None:
    steps: list[int] = []
    models = {"one": baselines.last_price, "two": baselines.last_price}
    evaluate.walk_forward(closes, DATES, SPANS, models, lambda: steps.append(1))
    assert len(steps) == 2 * 2


def test_it_is_told_as_json_and_drawn_from_that_alone(closes: np.ndarray) -> None:
    models = {**baselines.all_models(), "halved": halved, "oracle": oracle}
    found = evaluate.walk_forward(closes, DATES, SPANS, models)
    told = json.loads(json.dumps(found.told(), allow_nan=False))
    lines = evaluate.table(told).splitlines()
    assert lines == str(found).splitlines()
    assert [line.split("  ")[0] for line in lines[4:10]] == [
        "last price", "mean return", "AR(1)", "ridge", "halved", "oracle"
    ]  # fmt: skip
    assert max(map(len, lines)) <= 120
