"""Stock forecasts: a history of daily closes in, the next close of each stock out.

The history is whatever prices.py reads: a CSV file, or JSON {"dates": [...], "prices": {TICKER:
[...]}}. The model's own tickers are picked from it, and as many of its last days as the model
looks at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.tasks import Run, history, json_body, prices, text_files
from pi_edge.tasks.history import Prices, Quotes

DEFAULT_MODEL = "stocks"

MAX_BODY = 8 * 2**20
"""Bytes, unpacked: what a small machine reads without running out of memory."""

_OUTPUTS = ("forecast", "low", "high")
_NAMED = 10


def from_body(body: bytes, content_type: str) -> Quotes:
    """The prices in an HTTP body: CSV, or JSON {"dates": [...], "prices": {TICKER: [...]}}.

    Raises:
        BadInput: neither, or something in it is no date or no price.
        TooLarge: more than MAX_BODY.
    """
    body = text_files.unpack(body, "the body", MAX_BODY)
    if "json" in content_type.lower():
        return _from_json(body)
    if "urlencoded" in content_type.lower() and body[:1] != b"{" and b"\n" not in body:
        raise BadInput(
            "the CSV has no line ends: send it with curl --data-binary, for -d drops them"
        )
    return _parse(body, "the CSV", "the stock")


def from_argument(text: str) -> Quotes:
    """The prices in a file, CSV (compressed with gzip or not) or JSON.

    Raises:
        NotFound: there is no such file.
        BadInput: it cannot be read or understood.
        TooLarge: it has more bytes or prices than are read here.
    """
    path = Path(text)
    return _parse(text_files.contents(path), path.name)


def answer(
    request: Quotes, run: Run, about: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """The forecast of each of the model's tickers.

    Returns:
        forecasts: for each, in the model's order, its ticker, last close, forecast, low and high.
        as_of: the day of the last close, YYYY-MM-DD.
        horizon_days: how many trading days ahead the forecast is.
        interval: the shares of closes expected below low and below high.
        notes: what was handled, or looks odd, in the days that the model saw.

    Raises:
        BadInput: tickers or days are lacking.
        PiEdgeError: the model's description or its answer is none of a forecaster.
    """
    tickers, days = _described(about)
    seen = _last_days(request, tickers, days)
    with np.errstate(over="ignore"):
        closes = seen.closes.astype(np.float32)
    for ticker, column in zip(tickers, closes.T, strict=True):
        if not (np.isfinite(column) & (column > 0)).all():
            raise BadInput(f"{ticker} has a price too large or too small for float32: correct it")
    forecast, low, high = _forecast(closes[None], run)
    return {
        "forecasts": [
            {
                "ticker": ticker,
                "last": float(seen.closes[-1, i]),
                "forecast": _short(forecast[i]),
                "low": _short(low[i]),
                "high": _short(high[i]),
            }
            for i, ticker in enumerate(tickers)
        ],
        "as_of": str(seen.dates[-1]),
        "horizon_days": about.get("horizon_days", 1),
        "interval": about.get("interval", [0.1, 0.9]),
        "notes": list(seen.notes),
    }


def to_text(answer: Mapping[str, Any]) -> str:
    """A table: ticker, last close, forecast, interval and change; notes beneath."""
    ahead = answer["horizon_days"]
    low, high = (f"{share:.0%}" for share in answer["interval"])
    rows = [("ticker", "last close", "forecast", low, high, "change")]
    for found in answer["forecasts"]:
        numbers = [found[key] for key in ("last", *_OUTPUTS)]
        digits = _decimals(found["last"])
        change = found["forecast"] / found["last"] - 1
        rows.append(
            (found["ticker"], *(f"{number:.{digits}f}" for number in numbers), f"{change:+.2%}")
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"after the close of {answer['as_of']}, "
        + ("the next trading day:" if ahead == 1 else f"{ahead} trading days ahead:")
    ]
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    lines += [f"note: {note}" for note in answer["notes"]]
    return "\n".join(lines)


# --- reading ------------------------------------------------------------------------------------


def _parse(data: bytes, name: str, stock: str = "") -> Quotes:
    if data[:64].lstrip()[:1] == b"{":
        return _from_json(data)
    return prices.quotes(data, name, stock)


def _from_json(body: bytes) -> Quotes:
    document = json_body.read(body)
    days = document.get("dates") if isinstance(document, dict) else None
    closes = document.get("prices") if isinstance(document, dict) else None
    if (
        not isinstance(days, list)
        or not isinstance(closes, dict)
        or not closes
        or not all(isinstance(day, str) for day in days)
        or not all(isinstance(values, list) for values in closes.values())
    ):
        raise BadInput(
            'send {"dates": ["2024-01-31", ...], "prices": {"AAPL": [184.4, ...], ...}} or a CSV'
        )
    return prices.from_columns(days, closes, "the JSON")


# --- what the model sees, and says --------------------------------------------------------------


def _described(about: Mapping[str, Any]) -> tuple[list[str], int]:
    tickers, days = about.get("tickers"), about.get("days")
    horizon, interval = about.get("horizon_days", 1), about.get("interval", [0.1, 0.9])
    if (
        not isinstance(tickers, list)
        or not tickers
        or not all(isinstance(ticker, str) for ticker in tickers)
        or not all(isinstance(number, int) and number > 0 for number in (days, horizon))
        or not isinstance(interval, list)
        or len(interval) != 2
        or not all(isinstance(share, int | float) for share in interval)
    ):
        raise PiEdgeError(
            "this model's model.json does not tell its tickers and days: make the model with"
            " pi-edge train stocks and pi-edge convert stocks"
        )
    return tickers, int(days or 0)


def _last_days(quotes: Quotes, tickers: list[str], days: int) -> Prices:
    """The model's tickers, in its order, on the last ``days`` days; no NaN among them."""
    places = {ticker.casefold(): i for i, ticker in enumerate(quotes.tickers)}
    notes = list(quotes.notes)
    if quotes.named_by_file and len(tickers) == 1:  # a file of one stock rarely says of which
        (called,) = quotes.tickers
        places = {tickers[0].casefold(): 0}
        if called.casefold() != tickers[0].casefold():
            notes.append(f"nothing in the file tells the ticker: taken for {tickers[0]}")
    missing = [ticker for ticker in tickers if ticker.casefold() not in places]
    if missing:
        there = "one stock alone"
        raise BadInput(
            f"prices of {_named(missing)} are missing; there are those of"
            f" {there if quotes.named_by_file else _named(quotes.tickers)}: this model forecasts"
            f" {_named(tickers)}; for other tickers make your own model with"
            " pi-edge train stocks --prices FILE"
        )
    columns = [places[ticker.casefold()] for ticker in tickers]
    extra = [ticker for i, ticker in enumerate(quotes.tickers) if i not in set(columns)]
    if extra:
        notes.append(f"this model does not know {_named(extra)}: left out")
    seen = history.complete(quotes, columns, days)
    if len(seen.tickers) < len(tickers):
        ended = next(note for note in seen.notes if " is left out: " in note)
        raise BadInput(f"{ended.replace(' is left out', '')}: the model needs all its tickers")
    counts = (~np.isnan(seen.closes)).sum(axis=0)
    short = int(counts.argmin())
    if counts[short] < days:
        whose = "" if counts.max() == counts.min() else f" of {tickers[short]}"
        raise BadInput(
            f"there are {counts[short]} days of prices{whose} and the model needs the last {days}:"
            " send a longer history"
        )
    return Prices(seen.tickers, seen.dates, seen.closes, (*notes, *seen.notes[len(quotes.notes) :]))


def _forecast(closes: NDArray[np.float32], run: Run) -> list[NDArray[np.float32]]:
    """Forecast, low and high [tickers] for closes [1, days, tickers]."""
    outputs = run({"prices": closes})
    found = []
    for name in _OUTPUTS:
        array = outputs.get(name)
        if array is None or array.shape != (1, closes.shape[2]):
            raise PiEdgeError(
                f"this model does not answer with {name} [-1,{closes.shape[2]}]: it forecasts no"
                " stocks"
            )
        if not np.isfinite(array).all():
            raise PiEdgeError(
                f"the model's {name} is no finite number: try another variant, or train it again"
            )
        found.append(array[0])
    return found


def _named(tickers: Iterable[str]) -> str:
    names = list(tickers)
    more = len(names) - _NAMED
    listed = ", ".join(name if len(name) <= 40 else f"{name[:37]}..." for name in names[:_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed


def _short(value: np.float32) -> float:
    """The shortest decimal number that is this float32."""
    return float(str(np.float32(value)))


def _decimals(price: float) -> int:
    """How many a price is shown with: cents from 10 on, four digits and more below."""
    return 2 if price >= 10 else 3 if price >= 1 else 4 if price >= 0.1 else 6
