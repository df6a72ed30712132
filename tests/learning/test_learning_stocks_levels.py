"""stocks-levels learns from newer prices: scaled as it was, or anew from scratch."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learn_stocks import learned, refused, write

from pi_edge import catalog
from pi_edge.learning import written
from pi_edge.learning.forecasts import levels, measure
from pi_edge.learning.forecasts.past import HELD_BACK, Past, divided
from pi_edge.learning.graph import TrainingGraph
from pi_edge.learning.order import SCRATCH, SHIPPED, Order
from pi_edge.model import Model
from pi_edge.tasks import prices

DAYS = 600


@pytest.fixture
def model(shipped_models: Path) -> catalog.Entry:
    return catalog.find(shipped_models)[0]["stocks-levels"]


def waves(tickers: int) -> np.ndarray:
    """Closes that swing at three paces; after 377 days all of it comes again."""
    time = np.arange(DAYS)[:, None]
    noise = 0.2 * np.random.default_rng(4).standard_normal((DAYS, tickers))
    return np.asarray(50 + 10 * np.sin(time / np.resize([3.0, 4.0, 5.0], tickers)) + noise)


@pytest.fixture(scope="module")
def csv(shipped_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    tickers = catalog.find(shipped_models)[0]["stocks-levels"].info["tickers"]
    path = tmp_path_factory.mktemp("prices") / "prices.csv"
    return write(path, tickers, waves(len(tickers)))


@pytest.fixture
def order(model: catalog.Entry, csv: Path, tmp_path: Path) -> Order:
    return Order(model, "stocks-levels", tmp_path / "state", prices=csv, epochs=20)


def past_of(order: Order) -> Past:
    assert order.prices is not None
    return divided(prices.read(order.prices), order.model.info["tickers"], "made")


def result(order: Order) -> catalog.Entry:
    return catalog.read(order.state / "models" / order.name)


def test_the_shipped_graph_infers_what_the_shipped_model_does(model: catalog.Entry) -> None:
    folder = model.files["float32"].parent
    with np.load(folder / "check.npz") as check:
        windows = check["inputs/prices"]
    known = levels.from_constants(written.read(model))
    seen = (windows - known.lowest) / known.span
    said = TrainingGraph(folder / "train.tflite").infer({"seen": seen.reshape(len(seen), -1)})
    wanted = Model(model.files["float32"]).run({"prices": windows})["forecast"]
    np.testing.assert_allclose(said["scaled"] * known.span + known.lowest, wanted, rtol=1e-4)


def test_what_is_there_to_be_found_is_found_from_scratch(order: Order) -> None:
    told = learned(replace(order, start=SCRATCH, epochs=None))
    held_back = told["learned"]["held_back"]
    assert held_back["rows"] == HELD_BACK
    assert held_back["after"] < 0.6 < 1 < held_back["before"]


def test_the_result_is_an_ordinary_model_that_says_what_the_network_says(order: Order) -> None:
    told = learned(order)
    assert list(told["variants"]) == ["float32", "float16"]
    assert told["training"]["kind"] == "levels"
    past = past_of(order)
    rows = np.arange(past.held_back.start, past.held_back.stop)
    wanted = levels.forecast(levels.from_constants(written.read(result(order))), past.closes, rows)
    given = measure.answers(result(order).files["float32"], past.closes, rows, told["days"])
    np.testing.assert_allclose(given["forecast"], wanted.middle, rtol=1e-4)
    for bound, name in ((wanted.low, "low"), (wanted.high, "high")):
        np.testing.assert_allclose(given[name], bound, rtol=1e-4)


def test_the_interval_holds_four_fifths_of_days_that_were_not_learned(order: Order) -> None:
    told = learned(replace(order, start=SCRATCH))
    past = past_of(order)
    rows = np.arange(past.validation.start, past.validation.stop)
    outputs = measure.answers(result(order).files["float32"], past.closes, rows, told["days"])
    assert measure.measured(past.closes, rows, 1, outputs).coverage == pytest.approx(0.8, abs=0.02)


def test_going_on_keeps_the_scaling_to_the_last_digit(order: Order) -> None:
    before = written.read(order.model)
    learned(order)
    after = written.read(result(order))
    assert not np.array_equal(after["dense1_kernel"], before["dense1_kernel"])
    for key in ("lowest", "reciprocal"):
        np.testing.assert_array_equal(after[key], before[key])


def test_from_scratch_prices_are_scaled_by_the_training_days_alone(order: Order) -> None:
    learned(replace(order, start=SCRATCH))
    after = written.read(result(order))
    past = past_of(order)
    lowest, span = levels.min_max(past.closes[past.train])
    np.testing.assert_array_equal(after["lowest"], lowest)
    np.testing.assert_array_equal(after["reciprocal"], 1 / span)


def test_going_on_begins_with_what_the_model_knows(order: Order) -> None:
    learned(replace(order, start=SCRATCH, epochs=None))
    once = replace(order, model=result(order), name="again", epochs=1)
    anew, on = (learned(replace(once, start=start)) for start in (SCRATCH, SHIPPED))
    assert on["learned"]["epochs"][0]["loss"] < anew["learned"]["epochs"][0]["loss"] / 5


def test_the_same_seed_gives_the_same_files(order: Order) -> None:
    one, other = (learned(replace(order, start=SCRATCH, name=name)) for name in ("one", "other"))
    assert one["variants"]["float32"]["sha256"] == other["variants"]["float32"]["sha256"]


def test_a_worse_forecaster_does_not_go_live(order: Order) -> None:
    learned(replace(order, start=SCRATCH, epochs=None))
    line = refused(replace(order, model=result(order), start=SCRATCH, epochs=1))
    assert line.startswith("stocks-levels stays what it was: what was learned is worse by ")


def test_a_stock_listed_too_late_is_learned_on_but_not_from_scratch(
    order: Order, tmp_path: Path
) -> None:
    tickers = order.model.info["tickers"]
    path = late(tmp_path / "late.csv", tickers, until=350)
    line = refused(replace(order, start=SCRATCH, prices=path))
    assert line.startswith("AAPL: fewer than 60 of the 405 training days have a close")
    assert learned(replace(order, prices=path))["variants"]["float32"]["mae"] > 0


def late(path: Path, tickers: list[str], until: int) -> Path:
    """The same closes, without those of the first stock on the first days."""
    lines = write(path, tickers, waves(len(tickers))).read_text().splitlines()
    for at in range(1, 1 + until):
        date, _, *others = lines[at].split(",")
        lines[at] = ",".join([date, "", *others])
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "tides"}, "nothing here teaches networks of 'tides'"),
        ({"kind": "returns"}, "tells no network that could learn"),
        ("lowest", "tells no network that could learn"),
    ],
)
def test_a_model_json_that_tells_of_another_network_gets_one_line(
    order: Order, tmp_path: Path, change: Any, said: str
) -> None:
    folder = tmp_path / "models" / "stocks-levels"
    shutil.copytree(order.model.files["float32"].parent, folder)
    told = json.loads((folder / "model.json").read_text())
    if isinstance(change, str):
        del told["training"]["weights"][change]
    else:
        told["training"] |= change
    (folder / "model.json").write_text(json.dumps(told))
    assert said in refused(replace(order, model=catalog.read(folder)))
