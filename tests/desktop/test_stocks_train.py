from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_prices import made_prices, write_prices

from pi_edge.errors import BadInput, NotFound
from pi_edge.learning.forecasts import spans


def train(trainer: Any, state: Path, prices: Path, **settings: Any) -> tuple[Any, list[str]]:
    said: list[str] = []
    name = settings.pop("name", "stocks-levels")
    return trainer.train(name, state=state, prices=prices, say=said.append, **settings), said


def assert_same(one: Any, other: Any) -> None:
    assert one.values.keys() == other.values.keys()
    for key, value in one.values.items():
        np.testing.assert_array_equal(value, other.values[key], err_msg=key)


def test_a_training_killed_while_choosing_goes_on_and_ends_the_same(
    stocks_trainer: Any,
    small_prices: Path,
    trained_stocks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = stocks_trainer.trained("stocks", trained_stocks)
    step, done = stocks_trainer.Progress.step, 0

    def killed(progress: Any, **figures: float) -> None:
        nonlocal done
        done += 1
        if done == 350:  # amid the fourth network, of 100 steps each
            raise KeyboardInterrupt
        step(progress, **figures)

    with monkeypatch.context() as patch:
        patch.setattr(stocks_trainer.Progress, "step", killed)
        with pytest.raises(KeyboardInterrupt):
            train(stocks_trainer, tmp_path, small_prices, name="stocks")
    with pytest.raises(NotFound, match="stocks is not trained to its end: pi-edge train stocks"):
        stocks_trainer.trained("stocks", tmp_path)

    tries = []
    fit = stocks_trainer.choose.fit

    def counted(*arguments: Any) -> Any:
        tries.append(arguments)
        return fit(*arguments)

    monkeypatch.setattr(stocks_trainer.choose, "fit", counted)
    resumed, said = train(stocks_trainer, tmp_path, small_prices, name="stocks")
    assert said[0].startswith("stocks: going on with ")
    assert len(tries) == stocks_trainer.choose.fits(3) - 3
    assert_same(whole, resumed)
    assert resumed.story["validation"] == whole.story["validation"]
    assert resumed.story["evaluation"] == whole.story["evaluation"]


@pytest.mark.parametrize("name", ["stocks", "stocks-levels"])
def test_a_finished_training_is_kept(
    stocks_trainer: Any, small_prices: Path, trained_stocks: Path, name: str
) -> None:
    before = stocks_trainer.trained(name, trained_stocks)
    again, said = train(stocks_trainer, trained_stocks, small_prices, name=name)
    assert said == [f"{name}: already trained on these prices (seed 0); --fresh starts over"]
    assert_same(before, again)


def test_fresh_starts_over(stocks_trainer: Any, small_prices: Path, tmp_path: Path) -> None:
    first, _ = train(stocks_trainer, tmp_path, small_prices)
    second, said = train(stocks_trainer, tmp_path, small_prices, fresh=True)
    assert "rounds" in said[0]
    assert_same(first, second)


def test_other_prices_and_another_seed_start_over(
    stocks_trainer: Any, small_prices: Path, tmp_path: Path
) -> None:
    train(stocks_trainer, tmp_path, small_prices)
    _, said = train(stocks_trainer, tmp_path, small_prices, seed=1)
    assert said[0].endswith("other prices or settings than last time: starting over")
    other = write_prices(tmp_path / "other.csv", made_prices(300, 2))
    result, said = train(stocks_trainer, tmp_path, other, seed=1)
    assert said[0].endswith("starting over")
    assert result.story["plan"]["tickers"] == ["T0", "T1"]


def test_too_short_a_history_is_refused(stocks_trainer: Any, tmp_path: Path) -> None:
    path = write_prices(tmp_path / "mine.csv", made_prices(150, 1))
    with pytest.raises(BadInput, match=r"mine\.csv: 150 days .* at least 200"):
        train(stocks_trainer, tmp_path, path)


def test_prices_that_never_move_in_a_span_are_refused_with_its_dates(
    stocks_trainer: Any, tmp_path: Path
) -> None:
    closes = made_prices(400, 2)
    closes[240:320] = closes[240]
    path = write_prices(tmp_path / "mine.csv", closes)
    with pytest.raises(BadInput, match=r"mine\.csv: no price moves from 2015-12-03 to 2016-03-23"):
        train(stocks_trainer, tmp_path, path)


def test_tickers_listed_too_late_are_left_out_and_named(
    stocks_trainer: Any, tmp_path: Path
) -> None:
    closes = made_prices(400, 3)
    closes[:350, 0] = np.nan  # 50 days are fewer than a window
    closes[:200, 1] = np.nan  # 40 days to learn from
    table = stocks_trainer.data.load(write_prices(tmp_path / "mine.csv", closes))
    said: list[str] = []
    for name in ("stocks", "stocks-levels"):
        kept = stocks_trainer.suitable(name, table, spans.split(400), said.append)
        assert kept.tickers == {"stocks": ("T1", "T2"), "stocks-levels": ("T2",)}[name]
        assert kept.closes.shape == (400, len(kept.tickers))
    assert said == [
        "stocks: left out, with fewer than 81 days of prices: T0",
        "stocks-levels: left out, with fewer than 60 training days of prices: T0, T1",
    ]


def test_the_choice_knows_nothing_of_the_test_span(stocks_trainer: Any) -> None:
    closes = made_prices(420, 2)
    divided = spans.split(420)
    changed = closes.copy()
    changed[divided.test] *= np.linspace(0.5, 5, 84)[:, None]
    tables = []
    for prices in (closes, changed):
        tried = stocks_trainer.choose.Tried()
        chosen = stocks_trainer.choose.choose(prices, divided, 0, tried)
        tables.append(stocks_trainer.choose.told(tried, chosen, 2))
    assert tables[0] == tables[1]


def test_of_chance_alone_the_simplest_network_and_shortest_horizon_are_chosen(
    stocks_trainer: Any, trained_stocks: Path
) -> None:
    story = stocks_trainer.trained("stocks", trained_stocks).story
    assert story["validation"]["chosen"] == "linear, 5 days, horizon 1"
    assert story["fitted"]["architecture"]["hidden"] == []


def test_a_network_that_sees_what_no_line_can_is_chosen(
    stocks_trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers, choose = stocks_trainer.layers, stocks_trainer.choose
    random = np.random.default_rng(1)
    returns = np.zeros((900, 6))
    for day in range(1, 900):  # after any large move up or down, the price rises
        calm = np.abs(returns[day - 1]) < 0.01
        returns[day] = np.where(calm, -0.008, 0.012) + 0.006 * random.standard_normal(6)
    closes = 50 * np.exp(np.cumsum(returns, 0))
    monkeypatch.setattr(choose, "LOOKBACKS", (5,))
    monkeypatch.setattr(choose, "JOINT", ())
    monkeypatch.setattr(layers, "STEPS", 1000)
    layers._trainer.cache_clear()
    chosen = choose.choose(closes, spans.split(900), 0, choose.Tried())
    layers._trainer.cache_clear()
    assert chosen.hidden


def test_every_baseline_and_both_models_are_in_the_evaluation(
    stocks_trainer: Any, trained_stocks: Path
) -> None:
    models = stocks_trainer.trained("stocks", trained_stocks).story["evaluation"]["models"]
    assert list(models) == [
        "last price",
        "mean return",
        "AR(1)",
        "ridge",
        "stocks-levels",
        "stocks",
    ]
    assert models["last price"]["ratio"]["value"] == 1


def test_the_story_tells_time_and_peak_memory(stocks_trainer: Any, trained_stocks: Path) -> None:
    story = stocks_trainer.trained("stocks", trained_stocks).story
    assert story["seconds"] > 0
    assert story["peak_bytes"] > 100_000_000
    assert story["tensorflow_import_bytes"] > 0


def test_an_untrained_model_is_said_so(stocks_trainer: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="stocks is not trained yet: run pi-edge train stocks"):
        stocks_trainer.trained("stocks", tmp_path)


def test_a_checkpoint_that_is_damaged_is_said_so(
    stocks_trainer: Any, small_prices: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "training" / "stocks-levels" / "checkpoint.npz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"PK half of it")
    with pytest.raises(BadInput, match=r"checkpoint\.npz is damaged.*--fresh"):
        train(stocks_trainer, tmp_path, small_prices)
