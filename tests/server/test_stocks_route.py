"""Forecasts over HTTP, by a little model: mean, least and greatest close of five days."""

from __future__ import annotations

import gzip

import pytest
from running import Answer, RunningDaemon

ROUTE = "/tasks/stocks?model=prices"

DATES = [f"2024-01-{day:02d}" for day in range(1, 8)]
CLOSES = {
    "AAA": [1.0, 1.0, 10.0, 11.0, 12.0, 13.0, 14.0],
    "BBB": [1.0, 1.0, 2.5, 2.5, 2.5, 2.5, 2.5],
    "CCC": [1.0, 1.0, 100.0, 99.0, 98.0, 97.0, 96.0],
}
FORECASTS = [
    {"ticker": "AAA", "last": 14.0, "forecast": 12.0, "low": 10.0, "high": 14.0},
    {"ticker": "BBB", "last": 2.5, "forecast": 2.5, "low": 2.5, "high": 2.5},
    {"ticker": "CCC", "last": 96.0, "forecast": 98.0, "low": 96.0, "high": 100.0},
]


def csv(separator: str = ",") -> str:
    rows = [["Date", *CLOSES], *zip(DATES, *CLOSES.values(), strict=True)]
    return "\n".join(separator.join(map(str, row)) for row in rows)


def refused(answer: Answer, status: int, told: str) -> None:
    assert answer.status == status
    assert list(answer.json()) == ["error"]
    assert told in answer.json()["error"]


def test_a_csv_is_answered_with_a_forecast_for_each_ticker(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", ROUTE, csv(), {"Content-Type": "text/csv"})
    assert answer.status == 200
    document = answer.json()
    assert document.pop("id")
    assert document == {
        "model": "prices",
        "variant": "v1",
        "forecasts": FORECASTS,
        "as_of": "2024-01-07",
        "horizon_days": 1,
        "interval": [0.1, 0.9],
        "notes": [],
    }


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (csv().encode(), {}),
        (csv().encode(), {"Content-Type": "application/x-www-form-urlencoded"}),
        (csv(";").encode("utf-16"), {"Content-Type": "text/csv; charset=utf-16"}),
        (gzip.compress(csv().encode()), {"Content-Type": "application/gzip"}),
        (gzip.compress(csv().encode()), {"Content-Encoding": "gzip"}),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="my.csv"\r\n'
            b"Content-Type: text/csv\r\n\r\n" + csv().encode() + b"\r\n--b--\r\n",
            {"Content-Type": "multipart/form-data; boundary=b"},
        ),
    ],
    ids=["bare", "curl", "utf-16", "gzip file", "gzip encoding", "form"],
)
def test_a_csv_may_come_in_many_ways(
    daemon: RunningDaemon, body: bytes, headers: dict[str, str]
) -> None:
    assert daemon.send("POST", ROUTE, body, headers).json()["forecasts"] == FORECASTS


def test_json_gets_the_same_forecasts(daemon: RunningDaemon) -> None:
    document = {"dates": DATES, "prices": CLOSES}
    for headers in ({}, {"Content-Type": "application/json"}):
        answer = daemon.send("POST", ROUTE, document, headers)
        assert answer.json()["forecasts"] == FORECASTS


def test_the_same_answers_without_httptools_and_uvloop(plain_daemon: RunningDaemon) -> None:
    assert plain_daemon.send("POST", ROUTE, csv()).json()["forecasts"] == FORECASTS


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "the body is empty"),
        ("\n", "is empty"),
        ("Date,AAA,BBB,CCC\n", "no rows"),
        (csv().replace("97.0", "x"), "the CSV, line 7, column 'CCC': 'x' is no number"),
        (csv().replace("97.0", "0"), "line 7, column 'CCC': '0' is no price"),
        (csv().replace("2024-01-05", "soon"), "line 6: 'soon' is no date"),
        (csv().replace("CCC", "MSFT"), "prices of CCC are missing; there are those of AAA, BBB, M"),
        ("\n".join(csv().splitlines()[:4]), "there are 3 days of prices and the model needs"),
        (bytes(range(256)), "no text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "no text"),
        ("{", "not JSON"),
        ({"dates": DATES}, 'send {"dates"'),
        ({"dates": DATES, "prices": {**CLOSES, "CCC": [1]}}, "'CCC' has 1 prices for 7 dates"),
    ],
)
def test_what_cannot_be_forecast_from_is_refused_in_one_line(
    daemon: RunningDaemon, body: str | bytes | dict, told: str
) -> None:
    answer = daemon.send("POST", ROUTE, body)
    refused(answer, 400, told)
    assert "\n" not in answer.json()["error"]


def test_a_csv_without_its_line_ends_is_told_what_took_them(daemon: RunningDaemon) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(daemon.send("POST", ROUTE, csv().replace("\n", ""), headers), 400, "--data-binary")


def test_too_large_a_body_is_refused(daemon: RunningDaemon) -> None:
    row = b"2024-01-02,1,2,3\n"
    refused(daemon.send("POST", ROUTE, row * (2**23 // len(row) + 1)), 413, "8 MiB")


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(daemon: RunningDaemon) -> None:
    refused(daemon.send("POST", ROUTE, gzip.compress(bytes(9 * 2**20))), 413, "8 MiB")


def test_a_model_of_another_task_is_refused(daemon: RunningDaemon) -> None:
    answer = daemon.send("POST", "/tasks/stocks?model=mnist-cnn", csv())
    refused(answer, 400, "the model mnist-cnn is for the task 'digits', not 'stocks'")


def test_a_forecaster_reads_no_digits(daemon: RunningDaemon) -> None:
    refused(daemon.send("POST", "/tasks/digits?model=prices", csv()), 400, "not 'digits'")


def test_an_unknown_model_or_variant_is_not_found(daemon: RunningDaemon) -> None:
    refused(daemon.send("POST", "/tasks/stocks?model=crystal-ball", csv()), 404, "crystal-ball")
    refused(daemon.send("POST", f"{ROUTE}&variant=int3", csv()), 404, "int3")
