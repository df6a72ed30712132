"""Forecasts: what the model is given, and what becomes of its answer."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge import tasks
from pi_edge.errors import BadInput, NotFound, PiEdgeError, TooLarge
from pi_edge.tasks import stocks

ABOUT = {"tickers": ["AAA", "BBB"], "days": 3}
ROWS = ["2024-01-02,1,20", "2024-01-03,2,21", "2024-01-04,3,22", "2024-01-05,4,23"]


def csv(*rows: str, head: str = "Date,AAA,BBB") -> bytes:
    return "\n".join([head, *rows]).encode()


class Network:
    """Remembers what it was given, and answers with the last closes."""

    def __init__(self, **outputs: Any) -> None:
        self.given = np.empty(0)
        self.outputs = outputs

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        (self.given,) = inputs.values()
        assert list(inputs) == ["prices"]
        last = self.given[:, -1]
        answer = {"forecast": last * 1.01, "low": last * 0.98, "high": last * 1.03}
        return {**answer, **self.outputs}


def ask(
    body: bytes, about: Mapping[str, Any] = ABOUT, content_type: str = "", **outputs: Any
) -> tuple[dict[str, Any], np.ndarray]:
    network = Network(**outputs)
    answer = stocks.answer(stocks.from_body(body, content_type), network, about)
    return answer, network.given


def complaint(body: bytes, about: Mapping[str, Any] = ABOUT, content_type: str = "") -> str:
    with pytest.raises(BadInput) as caught:
        ask(body, about, content_type)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_task_is_registered() -> None:
    assert tasks.get("stocks") is stocks
    assert stocks.DEFAULT_MODEL == "stocks"


def test_the_model_sees_the_last_days_of_its_tickers() -> None:
    outputs = {"forecast": [[4.04, 23.23]], "low": [[3.92, 22.5]], "high": [[4.12, 24]]}
    answer, given = ask(csv(*ROWS), **{k: np.array(v, np.float32) for k, v in outputs.items()})
    assert given.dtype == np.float32
    assert given.tolist() == [[[2, 21], [3, 22], [4, 23]]]
    assert answer["as_of"] == "2024-01-05"
    assert answer["notes"] == []
    assert answer["forecasts"] == [
        {"ticker": "AAA", "last": 4.0, "forecast": 4.04, "low": 3.92, "high": 4.12},
        {"ticker": "BBB", "last": 23.0, "forecast": 23.23, "low": 22.5, "high": 24.0},
    ]


def test_tickers_are_found_whatever_their_case_and_order() -> None:
    answer, given = ask(csv(*ROWS, head="Date,bbb,aaa"))
    assert given[0, -1].tolist() == [23, 4]
    assert [found["ticker"] for found in answer["forecasts"]] == ["AAA", "BBB"]


def test_other_tickers_are_left_out_and_noted() -> None:
    rows = [f"{row},7" for row in ROWS]
    answer, given = ask(csv(*rows, head="Date,AAA,BBB,CCC"))
    assert given.shape == (1, 3, 2)
    assert answer["notes"] == ["this model does not know CCC: left out"]


def test_days_on_which_only_other_tickers_were_traded_do_not_count() -> None:
    rows = [f"{row},7" for row in ROWS] + ["2024-01-06,,,8", "2024-01-07,,,9"]
    answer, given = ask(csv(*rows, head="Date,AAA,BBB,BTC"))
    assert answer["as_of"] == "2024-01-05"
    assert given[0, :, 0].tolist() == [2, 3, 4]


def test_json_gives_the_same_answer_as_csv() -> None:
    document = {
        "dates": [row.split(",")[0] for row in ROWS],
        "prices": {"AAA": [1, 2, 3, 4], "BBB": [20.0, 21, 22, 23]},
    }
    body = json.dumps(document).encode()
    expected, _ = ask(csv(*ROWS))
    assert ask(body, content_type="application/json")[0] == expected
    assert ask(body)[0] == expected


def test_null_in_json_is_a_missing_price() -> None:
    body = b'{"dates":["2024-01-02","2024-01-03"],"prices":{"AAA":[1,1],"BBB":[2,null]}}'
    answer, given = ask(body, {**ABOUT, "days": 2})
    assert given.tolist() == [[[1, 2], [1, 2]]]
    assert answer["notes"] == ["1 missing price filled with the close before: BBB 1"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "this is not JSON"),
        (b'{"a":' * 100_000, "this is not JSON"),
        (b'{"dates": ["2024-01-02"]}', 'send {"dates"'),
        (b'{"dates": [20240102], "prices": {"A": [1]}}', 'send {"dates"'),
        (b'{"dates": ["2024-01-02"], "prices": {"A": 1}}', 'send {"dates"'),
        (b'{"dates": ["2024-01-02"], "prices": {}}', 'send {"dates"'),
        (b'{"dates": [], "prices": {"A": []}}', "no price at all"),
        (b'{"dates": ["2024-01-02"], "prices": {"A": [1, 2]}}', "'A' has 2 prices for 1 dates"),
        (b'{"dates": ["x"], "prices": {"A": [1]}}', "entry 1: 'x' is no date"),
        (b'{"dates": ["2024-01-02"], "prices": {"A": [1], "a": [2]}}', "'A' twice"),
        (b'{"dates": ["2024-01-02"], "prices": {" ": [1]}}', "without a ticker"),
    ],
)
def test_json_of_another_shape_is_told_in_one_line(body: bytes, told: str) -> None:
    assert told in complaint(body, content_type="application/json")


@pytest.mark.parametrize("value", ["0", "-1", "Infinity", "true", '"1"', "[1]", "1" + "0" * 400])
def test_what_is_no_price_in_json_is_named_with_its_entry(value: str) -> None:
    body = f'{{"dates": ["2024-01-02", "2024-01-03"], "prices": {{"A": [1, {value}]}}}}'
    line = complaint(body.encode())
    assert line.startswith("the JSON, entry 2: ")
    assert "no price of 'A'" in line


def test_a_list_sent_as_json_is_told_what_to_send() -> None:
    assert 'send {"dates"' in complaint(b"[1, 2]", content_type="application/json")


def test_missing_tickers_are_named_with_those_there_are() -> None:
    line = complaint(csv("2024-01-02,1,2", head="Date,AAA,MSFT"))
    assert "prices of BBB are missing; there are those of AAA, MSFT" in line
    assert "pi-edge train stocks --prices FILE" in line


def test_many_missing_tickers_are_counted() -> None:
    about = {"tickers": [f"T{n}" for n in range(500)], "days": 3}
    line = complaint(csv(*ROWS), about)
    assert "T9 and 490 more are missing" in line
    assert len(line) < 400


def test_too_short_a_history_is_told_with_both_numbers() -> None:
    line = complaint(csv(*ROWS[:2]))
    assert line == (
        "there are 2 days of prices and the model needs the last 3: send a longer history"
    )


def test_a_stock_listed_too_late_is_named() -> None:
    rows = [ROWS[0], "2024-01-03,2,", "2024-01-04,3,22", "2024-01-05,4,23"]
    rows[0] = "2024-01-02,1,"
    assert "there are 2 days of prices of BBB and the model needs the last 3" in complaint(
        csv(*rows)
    )


def test_a_stock_whose_prices_ended_is_named() -> None:
    rows = [f"2024-01-{n:02d},1,{2 if n < 5 else ''}" for n in range(1, 29)]
    line = complaint(csv(*rows))
    assert line.startswith("BBB: its prices end on 2024-01-04 (delisted, or renamed?)")
    assert line.endswith("the model needs all its tickers")


def test_only_the_days_that_the_model_sees_are_commented_on() -> None:
    rows = ["2024-01-01,1,2", "2024-01-02,9,2", "2024-01-03,9,2", "2024-01-04,9,2"]
    assert ask(csv(*rows))[0]["notes"] == []
    assert "AAA +800% on 2024-01-02" in ask(csv(*rows[:3]))[0]["notes"][0]


def test_a_file_of_one_stock_fits_a_model_of_one() -> None:
    about = {"tickers": ["AAPL"], "days": 2}
    body = csv("2024-01-02,1", "2024-01-03,1.5", head="Date,Close")
    answer, given = ask(body, about)
    assert given.tolist() == [[[1], [1.5]]]
    assert answer["notes"] == ["nothing in the file tells the ticker: taken for AAPL"]


def test_a_file_named_after_its_stock_needs_no_note(tmp_path: Path) -> None:
    path = tmp_path / "aapl.csv"
    path.write_bytes(csv("2024-01-02,1", "2024-01-03,1.5", head="Date,Close"))
    about = {"tickers": ["AAPL"], "days": 2}
    assert stocks.answer(stocks.from_argument(str(path)), Network(), about)["notes"] == []


def test_contradictions_in_a_body_of_one_stock_are_told_without_its_ticker() -> None:
    body = csv("2024-01-02,1", "2024-01-02,2", head="Date,Close")
    assert "line 3: the stock on 2024-01-02 is 2, but line 2 says 1" in complaint(body)


def test_a_file_of_one_stock_does_not_fit_a_model_of_two() -> None:
    line = complaint(csv("2024-01-02,1", head="Date,Close"))
    assert "prices of AAA, BBB are missing; there are those of one stock alone: " in line


def test_prices_beyond_float32_are_refused() -> None:
    assert "AAA has a price too large" in complaint(csv(*ROWS[:3], "2024-01-05,1e300,23"))


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_a_body_too_large_for_a_small_machine_is_refused(packed: Callable[[bytes], bytes]) -> None:
    with pytest.raises(TooLarge, match="more than 8 MiB"):
        stocks.from_body(packed(bytes(stocks.MAX_BODY + 1)), "text/csv")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.csv"):
        stocks.from_argument(str(tmp_path / "none.csv"))


def test_a_damaged_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(csv("2024-01-02,1,x"))
    with pytest.raises(BadInput, match=r"^bad\.csv, line 2, column 'BBB': 'x' is no number"):
        stocks.from_argument(str(path))


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"tickers": [], "days": 3},
        {"tickers": ["AAA"]},
        {"tickers": ["AAA"], "days": "3"},
        {"tickers": "AAA", "days": 3},
        {**ABOUT, "interval": None},
        {**ABOUT, "horizon_days": "one"},
    ],
)
def test_a_model_that_does_not_tell_its_tickers_is_no_forecaster(about: dict[str, Any]) -> None:
    with pytest.raises(PiEdgeError, match=r"does not tell its tickers and days") as caught:
        ask(csv(*ROWS), about)
    assert caught.value.status == 500


@pytest.mark.parametrize(
    "outputs",
    [
        {"forecast": np.full((1, 2), np.nan, np.float32)},
        {"low": np.array([[1, -np.inf]], np.float32)},
        {"high": np.zeros((1, 3), np.float32)},
        {"low": None},
    ],
)
def test_an_answer_that_is_no_forecast_is_the_models_fault(outputs: dict[str, Any]) -> None:
    with pytest.raises(PiEdgeError) as caught:
        ask(csv(*ROWS), **outputs)
    assert caught.value.status == 500


# --- for a person -------------------------------------------------------------------------------


def test_the_text_is_a_table_with_the_notes_beneath() -> None:
    rows = [f"{row},7" for row in ROWS]
    answer, _ = ask(csv(*rows, head="Date,AAA,BBB,CCC"))
    assert stocks.to_text(answer).splitlines() == [
        "after the close of 2024-01-05, the next trading day:",
        "ticker  last close  forecast    10%    90%  change",
        "AAA          4.000     4.040  3.920  4.120  +1.00%",
        "BBB          23.00     23.23  22.54  23.69  +1.00%",
        "note: this model does not know CCC: left out",
    ]


def test_the_text_tells_a_longer_horizon_and_another_interval() -> None:
    answer, _ = ask(csv(*ROWS), {**ABOUT, "horizon_days": 5, "interval": [0.05, 0.95]})
    first, head, *_ = stocks.to_text(answer).splitlines()
    assert first == "after the close of 2024-01-05, 5 trading days ahead:"
    assert head.split()[-3:] == ["5%", "95%", "change"]


def test_the_text_stays_aligned_from_cents_to_half_a_million() -> None:
    tickers = [f"TICKER{n}" for n in range(500)]
    closes = np.geomspace(0.01, 500_000, 500)
    forecasts = [
        {"ticker": t, "last": c, "forecast": c * 0.99, "low": c * 0.9, "high": c * 1.1}
        for t, c in zip(tickers, closes, strict=True)
    ]
    answer = {
        "forecasts": forecasts,
        "as_of": "2024-01-05",
        "horizon_days": 1,
        "interval": [0.1, 0.9],
        "notes": [],
    }
    _, *table = stocks.to_text(answer).splitlines()
    assert len(table) == 501
    assert len({len(line) for line in table}) == 1
    assert table[1].split() == ["TICKER0", "0.010000", "0.009900", "0.009000", "0.011000", "-1.00%"]
    assert table[-1].split()[1:3] == ["500000.00", "495000.00"]
