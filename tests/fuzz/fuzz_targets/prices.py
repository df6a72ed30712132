"""Closing prices, in CSV or JSON: forecast by a model that knows whatever tickers there are. The
first byte chooses what the Content-Type says."""

from __future__ import annotations

import numpy as np
from targets import refusals

from pi_edge.server import answers
from pi_edge.tasks import prices, stocks

LENGTH, MEGABYTES = 8192, 768
KINDS = ("text/csv", "application/json", "application/x-www-form-urlencoded", "")
WORDS = (
    *(
        b"Date",
        b"Close",
        b"Adj Close",
        b"Ticker",
        b"Symbol",
        b"Price",
        b"AAA",
        b"BBB",
        b"\r\n",
        b"\n",
    ),
    *(b"2024-01-31", b"31.01.2024", b"01/02/2024", b"20240131", b"Jan 31, 2024", b"31-Jan-24"),
    *(b"1,234.5", b"1.234,5", b"1 234,5", b"$12", b"null", b"nan", b"inf", b"1e-320", b"1e308"),
    *(b";", b"\t", b"|", b'"', b'""', b"sep=;", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08\0"),
    *(b'{"dates": ["2024-01-31"], "prices": {"AAA": [1]}}', b"0001-01-01", b"9999-12-31", b"Open"),
    *(b"High", b"Low", b"Volume", "\u2153".encode(), "\u0661".encode(), b"1_0", b"-5", b"0"),
)


def check(data: bytes) -> None:
    kind, body = KINDS[(data[:1] or b"\0")[0] % len(KINDS)], data[1:]
    with refusals():
        quotes = stocks.from_body(body, kind)
        about = {"tickers": list(quotes.tickers), "days": min(2, len(quotes.dates))}
        answer = stocks.answer(quotes, _mean, about)
        answers.to_json(answer)
        stocks.to_text(answer)
    with refusals():
        prices.parse(body, "prices.csv")


def _mean(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with np.errstate(over="ignore"):
        mean = inputs["prices"].mean(axis=1, dtype=np.float64).astype(np.float32)
    return dict.fromkeys(("forecast", "low", "high"), mean)
