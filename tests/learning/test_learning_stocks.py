"""stocks learns from newer prices, and goes live only if it forecasts no worse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from learn_stocks import learned, refused, write

from pi_edge import catalog
from pi_edge.errors import WrongUsage
from pi_edge.learning import written
from pi_edge.learning.forecasts import measure, network
from pi_edge.learning.forecasts.network import ABSENT, Architecture
from pi_edge.learning.forecasts.past import HELD_BACK, batches, divided
from pi_edge.learning.order import SCRATCH, Order
from pi_edge.learning.stocks import learn
from pi_edge.tasks import prices
from pi_edge.verification import verify_files

DAYS = 600


@pytest.fixture
def model(shipped_models: Path) -> catalog.Entry:
    return catalog.find(shipped_models)[0]["stocks"]


@pytest.fixture(scope="module")
def csv(shipped_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred days after the shipped model's, of its tickers and one more, whose returns take
    back a third of those of the day before."""
    tickers = catalog.find(shipped_models)[0]["stocks"].info["tickers"]
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    write(path, [*tickers, "OTHER"], closes(DAYS, len(tickers) + 1))
    return path


@pytest.fixture
def order(model: catalog.Entry, csv: Path, tmp_path: Path) -> Order:
    return Order(model, "stocks", tmp_path / "state", prices=csv)


def closes(days: int, tickers: int) -> np.ndarray:
    random = np.random.default_rng(11)
    returns = 0.01 * random.standard_normal((days, tickers))
    for day in range(1, days):
        returns[day] -= returns[day - 1] / 3
    return np.asarray(50 * np.exp(np.cumsum(returns, 0)))


def test_what_is_there_to_be_found_is_found_from_scratch(order: Order) -> None:
    told = learned(replace(order, start=SCRATCH))
    held_back = told["learned"]["held_back"]
    assert held_back["rows"] == HELD_BACK
    assert held_back["after"] < 0.98 < held_back["before"]
    kernel = written.read(catalog.read(order.state / "models" / "stocks"))["dense1_kernel"][:, 0]
    own, market = kernel[:5], kernel[5:]
    assert own[-1] + market[-1] == pytest.approx(-1 / 3, abs=0.12)
    assert np.abs(own[:-1]).max() < 0.15


def test_the_result_is_an_ordinary_model_in_float32_and_float16(order: Order) -> None:
    told = learned(order)
    folder = order.state / "models" / "stocks"
    assert verify_files(folder) == []
    assert list(told["variants"]) == ["float32", "float16"]
    assert told["learned"]["until"] < told["trained"]["spans"]["test"]["from"]
    assert told["variants"]["float32"]["days"] == HELD_BACK


def test_the_file_says_what_the_calibrated_network_says(order: Order) -> None:
    told = learned(order)
    entry = catalog.read(order.state / "models" / "stocks")
    architecture = Architecture(**{**told["training"]["architecture"], "hidden": ()})
    fitted = network.from_constants(
        written.read(entry), architecture, told["training"]["shrinkage"]
    )
    assert order.prices is not None
    past = divided(prices.read(order.prices), told["tickers"], "made")
    rows = np.arange(past.held_back.start, past.held_back.stop)
    said = network.predict(past.closes, rows, fitted)
    given = measure.answers(entry.files["float32"], past.closes, rows, told["days"])
    for wanted, name in ((said.middle, "forecast"), (said.low, "low"), (said.high, "high")):
        assert wanted is not None
        np.testing.assert_allclose(given[name], wanted, rtol=2e-6)


def test_shrinkage_and_interval_are_calibrated_on_days_that_were_not_learned(order: Order) -> None:
    told = learned(replace(order, start=SCRATCH))
    spans = told["trained"]["spans"]
    assert spans["train"]["to"] < spans["validation"]["from"]
    assert spans["validation"]["days"] == (DAYS - HELD_BACK) // 4
    fitted = told["trained"]
    # The noise is normal: 80 % of it are within 1.28 standard deviations.
    assert fitted["low"] == pytest.approx(-1.28, abs=0.15)
    assert fitted["high"] == pytest.approx(1.28, abs=0.15)
    assert fitted["shrinkage"] >= 0.8


def test_going_on_begins_with_what_the_model_knows(order: Order) -> None:
    assert order.prices is not None
    first = learned(replace(order, start=SCRATCH, name="mine"))
    model = catalog.read(order.state / "models" / "mine")
    again = learned(replace(order, model=model, name="mine", epochs=1))
    assert again["learned"]["epochs"][-1]["loss"] == pytest.approx(
        first["learned"]["epochs"][-1]["loss"], rel=0.01
    )


def test_the_same_seed_gives_the_same_files(order: Order) -> None:
    one, other = (learned(replace(order, start=SCRATCH, name=name)) for name in ("one", "other"))
    assert one["variants"]["float32"]["sha256"] == other["variants"]["float32"]["sha256"]


def test_days_that_the_model_in_service_has_seen_are_not_compared_by(
    order: Order, csv: Path, tmp_path: Path
) -> None:
    lines = csv.read_text().splitlines()
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("\n".join(lines[: 1 + DAYS - 30]) + "\n")
    learned(order)
    model = catalog.read(order.state / "models" / "stocks")
    told = learned(replace(order, model=model, prices=shorter))
    assert told["learned"]["held_back"]["rows"] == 30


def test_prices_that_hold_no_news_are_refused(order: Order, csv: Path, tmp_path: Path) -> None:
    lines = csv.read_text().splitlines()
    shorter = tmp_path / "shorter.csv"
    shorter.write_text("\n".join(lines[: 1 + DAYS - 50]) + "\n")
    learned(order)
    model = catalog.read(order.state / "models" / "stocks")
    line = refused(replace(order, model=model, prices=shorter))
    assert "only 10 days are news to stocks, and 20 are needed" in line


def test_a_worse_forecaster_does_not_go_live(order: Order, csv: Path, tmp_path: Path) -> None:
    """The network in service knows how these prices go; the one that learns is told the opposite
    for all days but those held back."""
    learned(replace(order, start=SCRATCH))
    model = catalog.read(order.state / "models" / "stocks")
    right = np.diff(np.log(prices.read(csv).closes), axis=0)
    wrong = 0.01 * np.random.default_rng(5).standard_normal(right.shape)
    for day in range(1, len(wrong)):
        wrong[day] += wrong[day - 1] / 2
    wrong[-HELD_BACK - 5 :] = right[-HELD_BACK - 5 :]
    table = 50 * np.exp(np.cumsum(wrong, axis=0))
    path = write(tmp_path / "wrong.csv", list(prices.read(csv).tickers), table, "2017-01-03")
    line = refused(replace(order, model=model, start=SCRATCH, prices=path))
    assert line.startswith("stocks stays what it was: what was learned is worse by 0.")


@pytest.mark.parametrize("change", ["ticker", "short", "still", "NaN", "text", "empty"])
def test_prices_that_cannot_be_learned_from_get_one_line(
    order: Order, csv: Path, tmp_path: Path, change: str
) -> None:
    tickers = list(prices.read(csv).tickers)
    table = closes(DAYS, len(tickers))
    said = {
        "ticker": "has no prices of AAPL",
        "short": "are too short a history, at least 260 are needed",
        "still": "no price moves from",
        "NaN": "has no price at all",
        "text": "is no number",
        "empty": "is empty",
    }[change]
    path = tmp_path / "bad.csv"
    if change == "ticker":
        write(path, ["XXXX", *tickers[1:]], table)
    elif change == "short":
        write(path, tickers, table[:259])
    elif change == "still":
        write(path, tickers, np.full_like(table, 50.0))
    elif change == "NaN":
        write(path, tickers, np.full_like(table, np.nan))
    elif change == "text":
        path.write_text(csv.read_text().replace("50.", "fifty", 1))
    else:
        path.write_text("")
    assert said in refused(replace(order, prices=path))


def test_no_prices_are_wrong_usage(order: Order) -> None:
    with pytest.raises(WrongUsage, match="--prices FILE"):
        learn(replace(order, prices=None))


def test_a_return_that_is_not_there_is_told_to_a_joint_network_as_absent(csv: Path) -> None:
    table = prices.read(csv)
    late = table.closes.copy()
    late[:200, 3] = np.nan
    past = divided(replace(table, closes=late), list(table.tickers), "made")
    x, y = batches(past, Architecture((), 5, joint=True))
    assert x.shape[1] == 5 * len(table.tickers)
    assert np.isfinite(x).all()
    assert (y[:100, 3] == ABSENT).all()
    assert (y[-100:, 3] < ABSENT).all()


def test_a_model_of_other_stocks_is_not_replaced(order: Order, tmp_path: Path) -> None:
    learned(replace(order, name="mine"))
    path = order.state / "models" / "mine" / "model.json"
    told = json.loads(path.read_text())
    told["tickers"][0] = "XXXX"
    path.write_text(json.dumps(told))
    assert "forecasts other stocks" in refused(replace(order, name="mine"))
