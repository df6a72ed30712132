"""Daily closing prices out of whatever CSV a reader has.

Wide: a date and a column a ticker. Long: date, ticker, close. And what Yahoo (its pages and the
package yfinance), Stooq, Nasdaq, Investing and Alpha Vantage write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput
from pi_edge.tasks import dates, history, numerals, table, text_files
from pi_edge.tasks.headings import ADJUSTED, CLOSE, DATE, OTHER, TICKER, VAGUE, first, plain
from pi_edge.tasks.history import Prices, Quotes
from pi_edge.tasks.table import Table, at, shown

__all__ = ["Prices", "Quotes", "from_columns", "parse", "quotes", "read"]

_CORNERS = ("", "price", "ticker", "attributes", "symbols")
_MISSING = frozenset(
    ("", "null", "none", "nan", "na", "n/a", "#n/a", "n.a.", "nd", "-", "--", "–", ".")
)


def read(path: Path) -> Prices:
    """The prices in a CSV file, which may be compressed with gzip.

    Raises:
        NotFound: there is no such file.
        BadInput: it cannot be read or understood; the message names the line.
        TooLarge: it has more bytes or prices than are read here.
    """
    return parse(text_files.contents(path), str(path))


def parse(data: bytes, name: str) -> Prices:
    """The prices in the bytes of a CSV file called ``name``; raises as ``read``."""
    return history.complete(quotes(data, name))


def quotes(data: bytes, name: str, stock: str = "") -> Quotes:
    """The same, with holes where the file has no price; raises as ``read``.

    Args:
        stock: the ticker of data that is of one stock and does not tell which; else the name is.
    """
    sheet = table.parse(data, name)
    if not sheet.rows:
        raise BadInput(f"{name} has a heading but no rows: it needs a row a day")
    stacked = _stacked(sheet)
    if stacked:
        return stacked
    headings = [plain(heading) for heading in sheet.header]
    date = _date_column(sheet, headings)
    others = [column for column in range(len(headings)) if column != date]
    adjusted, close = first(headings, ADJUSTED), first(headings, CLOSE)
    column = close if adjusted is None else adjusted
    ticker = first(headings, TICKER)
    known = (*ADJUSTED, *CLOSE, *OTHER, *TICKER, *DATE, "")
    unknown = [sheet.header[i] for i in others if headings[i] not in known]
    if column is None and {"high", "low"} <= set(headings):
        raise BadInput(f"{name} has no column Close: get it with the closing prices")
    if column is None or (ticker is None and unknown and headings[column] in VAGUE):
        return _wide(sheet, date, _tickers(sheet, others))
    notes = [f"columns left out: {', '.join(map(shown, unknown[:8]))}"] if unknown else []
    if adjusted is not None and close is not None:
        notes.append(f"{sheet.header[adjusted]} is taken, not {sheet.header[close]}")
    if ticker is not None:
        return _long(sheet, date, ticker, column, notes)
    return replace(_wide(sheet, date, {stock or _stem(name): column}, notes), named_by_file=True)


def from_columns(days: Sequence[str], closes: Mapping[str, Sequence[object]], name: str) -> Quotes:
    """Quotes out of dates and, for each ticker, as many numbers; None where there is none.

    Raises:
        BadInput: lengths differ, or a date or price is none; the message names the entry, from 1.
    """
    names = history.names(closes, name)
    where = [f"{name}, entry {number}" for number in range(1, len(days) + 1)]
    columns = []
    for ticker, values in closes.items():
        if len(values) != len(days):
            raise BadInput(
                f"{name}: {shown(ticker)} has {len(values)} prices for {len(days)} dates:"
                " give one a date, null where there is none"
            )
        cells = (math.nan if value is None else value for value in values)
        columns.append([_json_price(*pair, ticker) for pair in zip(cells, where, strict=True)])
    read_days, notes = dates.column(days, where.__getitem__)
    grid = np.array(columns, np.float64).T.reshape(len(days), len(columns))
    return history.arrange(name, names, read_days, grid, None, where.__getitem__, notes)


def _json_price(value: object, where: str, ticker: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isnan(number) or 0 < number < math.inf:
            return number
    raise BadInput(
        f"{where}: {shown(str(value))} is no price of {shown(ticker)}: send a finite number above"
        " 0, null where there is none"
    )


# --- layouts ------------------------------------------------------------------------------------


def _stacked(sheet: Table) -> Quotes | None:
    """yfinance's heading of several lines: fields, tickers and a line for the date."""
    below = sheet.rows[0]
    corners = {plain(sheet.header[0]), plain(below[0])} if sheet.header else set()
    if len(sheet.header) < 2 or not corners <= set(_CORNERS):
        return None
    fields, tickers = sheet.header[1:], below[1:]
    if plain(sheet.header[0]) == "ticker" or not _all_fields(fields):
        fields, tickers = tickers, fields
    if not _all_fields(fields):
        return None
    plainly = [plain(field) for field in fields]
    wanted = ADJUSTED if first(plainly, ADJUSTED) is not None else CLOSE
    chosen = [i for i, field in enumerate(plainly) if field in wanted]
    if not chosen:
        raise BadInput(f"{sheet.name} has no column Close: get it with the closing prices")
    start = 2 if len(sheet.rows) > 1 and plain(sheet.rows[1][0]) in DATE else 1
    rest = replace(sheet, rows=sheet.rows[start:], lines=sheet.lines[start:])
    if not rest.rows:
        raise BadInput(f"{sheet.name} has a heading but no rows: it needs a row a day")
    names = history.names((tickers[i] for i in chosen), sheet.name)
    notes = ["Adj Close is taken, not Close"] if wanted is ADJUSTED and "close" in plainly else []
    return _wide(rest, 0, dict(zip(names, (i + 1 for i in chosen), strict=True)), notes)


def _all_fields(cells: Sequence[str]) -> bool:
    return all(plain(cell) in (*ADJUSTED, *CLOSE, *OTHER) for cell in cells)


def _wide(sheet: Table, date: int, tickers: Mapping[str, int], notes: Sequence[str] = ()) -> Quotes:
    columns = list(zip(*sheet.rows, strict=True))
    days, more = dates.column(columns[date], lambda row: at(sheet.name, sheet.lines[row]))
    grid = np.empty((len(sheet.rows), len(tickers)))
    for index, (ticker, column) in enumerate(tickers.items()):
        grid[:, index] = _numbers(sheet, columns[column], ticker)
    return history.arrange(
        sheet.name,
        tuple(tickers),
        days,
        grid,
        None,
        lambda row: at(sheet.name, sheet.lines[row]),
        (*notes, *more),
    )


def _long(sheet: Table, date: int, ticker: int, close: int, notes: Sequence[str]) -> Quotes:
    columns = list(zip(*sheet.rows, strict=True))
    days, more = dates.column(columns[date], lambda row: at(sheet.name, sheet.lines[row]))
    places = {name: index for index, name in enumerate(dict.fromkeys(columns[ticker]))}
    if "" in places:
        row = columns[ticker].index("")
        raise BadInput(
            f"{at(sheet.name, sheet.lines[row])}: the {sheet.header[ticker]} is missing: fill it in"
            " or remove the row"
        )
    names = history.names(places, sheet.name)
    return history.arrange(
        sheet.name,
        names,
        days,
        _numbers(sheet, columns[close], sheet.header[close]),
        np.fromiter((places[name] for name in columns[ticker]), np.intp, len(sheet.rows)),
        lambda row: at(sheet.name, sheet.lines[row]),
        (*notes, *more),
    )


def _date_column(sheet: Table, headings: Sequence[str]) -> int:
    if any(dates.is_date(heading) for heading in sheet.header):
        raise BadInput(
            f"{sheet.name} has no heading line: put one before the first row, such as Date,Close"
            " or Date,AAPL,MSFT"
        )
    named = first(headings, DATE)
    if named is not None:
        return named
    for column, cell in enumerate(sheet.rows[0]):
        if dates.is_date(cell):
            return column
    raise BadInput(
        f"{at(sheet.name, sheet.lines[0])}: no column holds dates: call it Date and write them like"
        " 2024-01-31"
    )


def _tickers(sheet: Table, columns: Iterable[int]) -> dict[str, int]:
    """The tickers of a wide table, each with its column; unnamed ones are no tickers."""
    found = [i for i in columns if plain(sheet.header[i])]
    if not found:
        raise BadInput(f"{sheet.name} has no column of prices: name each after its ticker")
    names = history.names((sheet.header[i] for i in found), sheet.name)
    return dict(zip(names, found, strict=True))


# --- cells --------------------------------------------------------------------------------------


def _numbers(sheet: Table, cells: Sequence[str], column: str) -> NDArray[np.float64]:
    """The prices of a column, NaN where a cell says that there is none."""
    written = "".join(cells)
    try:
        if "_" in written or (sheet.decimal == "," and "." in written):
            raise ValueError  # float() takes 1_0, and 1.234 where the comma is decimal
        plainly = (cell.replace(",", ".") for cell in cells) if sheet.decimal == "," else cells
        values = np.fromiter(map(float, plainly), np.float64, len(cells))
    except ValueError:
        values = np.array([_price(sheet, row, cell, column) for row, cell in enumerate(cells)])
    bad = np.flatnonzero((values <= 0) | np.isinf(values))
    if len(bad):
        row = int(bad[0])
        raise BadInput(
            f"{at(sheet.name, sheet.lines[row])}, column {shown(column)}: {shown(cells[row])} is no"
            " price: a price is finite and above 0; leave the cell empty if there is none"
        )
    return values


def _price(sheet: Table, row: int, cell: str, column: str) -> float:
    if cell.casefold() in _MISSING:
        return math.nan
    value = numerals.to_float(cell, sheet.decimal)
    if value is None:
        raise BadInput(
            f"{at(sheet.name, sheet.lines[row])}, column {shown(column)}: {shown(cell)} is no"
            " number: write it like 12.5, leave it empty if there is no price, or drop the column"
        )
    return value


def _stem(name: str) -> str:
    """The ticker that a file is named after: AAPL of "AAPL (1).csv", AAPL_US of "aapl_us_d.csv"."""
    stem = re.sub(r"(\.csv|\.txt|\.gz)+$", "", Path(name).name, flags=re.IGNORECASE)
    return re.sub(r"(_[dwm]| ?\(\d+\))$", "", stem).upper() or "?"
