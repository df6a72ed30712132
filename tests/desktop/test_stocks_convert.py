from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_prices import made_prices, write_prices

from pi_edge import runtime
from pi_edge.desktop.stocks import data
from pi_edge.errors import BadInput, NotFound
from pi_edge.learning.forecasts import measure, spans
from pi_edge.model import Model
from pi_edge.quiet import quiet
from pi_edge.verification import verify_files

MODELS = ("stocks", "stocks-levels")


def told(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "model.json").read_bytes())
    return document


@pytest.fixture(params=MODELS)
def folder(converted_stocks: Path, request: pytest.FixtureRequest) -> Path:
    return converted_stocks / str(request.param)


@pytest.fixture
def windows(folder: Path, small_prices: Path) -> np.ndarray:
    closes, days = data.load(small_prices).closes, told(folder)["days"]
    return measure.windows(closes, np.arange(336, 420, 9), days)


def files_of(folder: Path) -> list[Path]:
    return [folder / variant["file"] for variant in told(folder)["variants"].values()]


def test_names_types_and_shapes_are_the_contracts(folder: Path) -> None:
    for path in files_of(folder):
        model = Model(path)
        days = told(folder)["days"]
        assert [(s.name, s.dtype, s.shape) for s in model.inputs] == [
            ("prices", np.float32, (-1, days, 3))
        ]
        assert sorted((s.name, str(s.dtype), s.shape) for s in model.outputs) == [
            (name, "float32", (-1, 3)) for name in ("forecast", "high", "low")
        ]


def test_a_batch_answers_as_its_windows_do_alone(folder: Path, windows: np.ndarray) -> None:
    for path in files_of(folder):
        model = Model(path)
        together = model.run({"prices": windows})
        for at, window in enumerate(windows):
            alone = model.run({"prices": window[None]})
            for name, values in alone.items():
                np.testing.assert_allclose(values[0], together[name][at], rtol=1e-5)


def test_the_forecast_is_inside_its_interval(folder: Path, windows: np.ndarray) -> None:
    for path in files_of(folder):
        given = Model(path).run({"prices": windows})
        assert (given["low"] <= given["forecast"]).all()
        assert (given["forecast"] <= given["high"]).all()


def test_prices_in_another_currency_give_forecasts_in_it(
    converted_stocks: Path, small_prices: Path
) -> None:
    closes = data.load(small_prices).closes
    prices = measure.windows(closes, np.arange(336, 420, 9), 61)
    model = Model(converted_stocks / "stocks" / "float32.tflite")
    one, other = model.run({"prices": prices}), model.run({"prices": prices * 128})
    for name in one:
        np.testing.assert_allclose(other[name], one[name] * 128, rtol=1e-6)


def test_float32_computes_what_the_trained_network_does(folder: Path) -> None:
    assert told(folder)["variants"]["float32"]["largest_relative_difference"] < 1e-4


def test_int8_computes_its_dense_layers_in_integers_and_prices_in_floats(
    converted_stocks: Path,
) -> None:
    interpreter = runtime.interpreter(converted_stocks / "stocks" / "int8.tflite")
    interpreter.allocate_tensors()
    kinds = {d["index"]: np.dtype(d["dtype"]) for d in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()
    dense = [one for one in operators if one["op_name"] == "FULLY_CONNECTED"]
    assert dense
    for one in dense:
        assert {kinds[at] for at in (*one["inputs"], *one["outputs"]) if at >= 0} <= {
            np.dtype("int8"),
            np.dtype("int32"),
        }
    for one in operators:
        if one["op_name"] in {"DIV", "LOG", "EXP"}:
            assert {kinds[at] for at in one["inputs"]} == {np.dtype("float32")}


def test_the_figures_told_are_the_files_own(folder: Path, small_prices: Path) -> None:
    document = told(folder)
    closes = data.load(small_prices).closes
    rows = measure.full(closes, spans.split(420).test, document["days"], 1)
    assert len(rows) == 84
    for variant in document["variants"].values():
        outputs = measure.answers(folder / variant["file"], closes, rows, document["days"])
        found = measure.measured(closes, rows, 1, outputs).told()
        assert {name: variant[name] for name in found} == found


def test_a_ratio_is_the_mean_over_the_tickers_and_coverage_counts_the_edges() -> None:
    closes = np.array([[10.0, 100.0], [11.0, 90.0], [12.0, 100.0]])
    outputs = {
        "forecast": np.array([[11.5, 95.0], [11.5, 95.0]], np.float32),
        "low": np.array([[11.0, 91.0], [11.0, 91.0]], np.float32),
        "high": np.array([[11.9, 99.0], [12.0, 99.0]], np.float32),
    }
    found = measure.measured(closes, np.array([1, 2]), 1, outputs)
    assert found.mae == pytest.approx((0.5 + 5) / 2)
    assert found.ratio == pytest.approx((0.5 / 1 + 5 / 10) / 2)
    assert found.coverage == pytest.approx(0.5)


def test_prices_that_never_move_are_refused() -> None:
    closes = np.full((3, 1), 5.0)
    outputs = dict.fromkeys(measure.OUTPUTS, np.full((2, 1), 5.0, np.float32))
    with pytest.raises(BadInput, match="no price moves in the test span"):
        measure.measured(closes, np.array([1, 2]), 1, outputs)


def test_days_before_a_late_listing_are_not_measured() -> None:
    closes = made_prices(200, 2)
    closes[:100, 1] = np.nan
    rows = measure.full(closes, slice(90, 200), 61, 1)
    assert rows.tolist() == list(range(161, 200))


def test_model_json_tells_what_the_task_needs(folder: Path) -> None:
    document = told(folder)
    assert (document["task"], document["family"]) == ("stocks", "stocks")
    assert document["tickers"] == ["T0", "T1", "T2"]
    assert (document["interval"], document["horizon_days"]) == ([0.1, 0.9], 1)


def test_model_json_tells_how_it_was_trained(folder: Path) -> None:
    trained = told(folder)["trained"]
    assert trained["data"]["source"] == "prices.csv"
    assert trained["data"]["terms"] == "the user's own"
    assert [span["days"] for span in trained["spans"].values()] == [252, 84, 84]
    assert set(trained["versions"]) == {"python", "tensorflow", "numpy"}
    assert trained["memory"]["peak_bytes"] > trained["memory"]["tensorflow_import_bytes"] > 0


def test_model_json_has_the_table_that_was_chosen_by_and_the_evaluation(
    converted_stocks: Path,
) -> None:
    trained = told(converted_stocks / "stocks")["trained"]
    table = trained["validation"]["table"]
    assert {row["horizon"] for row in table} == {1, 2, 5}
    assert {row["model"] for row in table} >= {"last price", "mean return", "mlp 32-32, 20 days"}
    assert trained["validation"]["chosen"] in {row["key"] for row in table}
    assert "stocks-levels" in trained["evaluation"]["models"]


def test_the_command_names_the_users_file(folder: Path) -> None:
    for variant in told(folder)["variants"].values():
        assert variant["command"] == f"pi-edge convert {folder.name} --prices prices.csv"


def test_a_precision_that_is_another_network_is_left_out_and_said(
    trained_stocks: Path, small_prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quiet():
        from pi_edge.desktop.stocks import convert

    def rounded(path: Path, *others: Any) -> dict[str, np.ndarray]:
        outputs = answers(path, *others)
        if path.stem == "int8":
            outputs["forecast"] = np.round(outputs["forecast"], -1)
        return outputs

    answers = convert.measure.answers
    monkeypatch.setattr(convert.measure, "answers", rounded)
    (tmp_path / "stocks").mkdir()
    (tmp_path / "stocks" / "int8.tflite").write_bytes(b"of an earlier conversion")
    said: list[str] = []
    folder = convert.convert(
        "stocks", state=trained_stocks, output=tmp_path, prices=small_prices, say=said.append
    )
    assert "left out: its error is +" in said[-1]
    assert set(told(folder)["variants"]) == {"float32", "float16"}
    assert told(folder)["left_out"]["int8"]["mae"] > told(folder)["variants"]["float32"]["mae"]
    assert verify_files(folder) == []


def test_other_prices_than_it_was_trained_on_are_refused(
    trained_stocks: Path, tmp_path: Path
) -> None:
    with quiet():
        from pi_edge.desktop.stocks.convert import convert
    other = write_prices(tmp_path / "other.csv", made_prices(420, 3, seed=9))
    with pytest.raises(BadInput, match=r"trained on other prices than .*other\.csv"):
        convert("stocks", state=trained_stocks, output=tmp_path, prices=other)


def test_an_untrained_model_is_said_so(stocks_trainer: Any, tmp_path: Path) -> None:
    from pi_edge.desktop.stocks.convert import convert

    with pytest.raises(NotFound, match="stocks is not trained yet"):
        convert("stocks", state=tmp_path, output=tmp_path)


def test_what_was_written_verifies_and_nothing_else_is_left(folder: Path) -> None:
    assert verify_files(folder) == []
    expected = {"check.npz", "model.json", "train.tflite"}
    expected |= {path.name for path in files_of(folder)}
    assert {path.name for path in folder.iterdir()} == expected
    assert {path.name for path in folder.parent.iterdir()} == set(MODELS)


def test_a_model_file_that_is_overwritten_is_never_half_of_one(
    converted_stocks: Path,
    trained_stocks: Path,
    small_prices: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pi_edge.desktop.stocks import convert

    shutil.copytree(converted_stocks, tmp_path / "models")
    before = {path: path.read_bytes() for path in sorted((tmp_path / "models").rglob("*.*"))}
    monkeypatch.setattr(convert.model_json, "write_check", lambda made, arrays: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        convert.convert(
            "stocks",
            state=trained_stocks,
            output=tmp_path / "models",
            prices=small_prices,
            say=lambda _: None,
        )
    assert before == {p: p.read_bytes() for p in sorted((tmp_path / "models").rglob("*.*"))}
