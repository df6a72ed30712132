"""Single quotes put in order: sorted, each day once, gaps filled, and all that is odd noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, TooLarge
from pi_edge.tasks.dates import Days, Where

MAX_CELLS = 10_000_000
"""Days times tickers: 80 MB. Forty years of a thousand stocks."""

LONG_GAP = 10
"""Days without a price, more of which are no mere oversight."""

_SPLIT_BELOW, _SPLIT_ABOVE = 0.55, 1.8
_SPLIT_TOLERANCE = 0.1
_LISTED = 8
"""How many tickers or days one note names."""


@dataclass(frozen=True)
class Prices:
    """Daily closing prices.

    Attributes:
        tickers: unique, also where case does not count.
        dates: datetime64[D] [days], ascending, unique; each has at least one price in the file.
        closes: float64 [days, tickers], above 0 and finite; NaN before a ticker's listing only.
        notes: one line for each thing handled or suspicious.
        named_by_file: the ticker, a single one, is not in the data; it is the file's name.
    """

    tickers: tuple[str, ...]
    dates: Days
    closes: NDArray[np.float64]
    notes: tuple[str, ...]
    named_by_file: bool = False


@dataclass(frozen=True)
class Quotes:
    """Prices as the file has them, in order, with holes.

    Attributes:
        tickers: unique, also where case does not count.
        dates: datetime64[D] [days], ascending, unique; each has at least one price.
        closes: float64 [days, tickers]; NaN where the file has none.
        notes: one line for each thing handled.
        named_by_file: as in Prices.
    """

    tickers: tuple[str, ...]
    dates: Days
    closes: NDArray[np.float64]
    notes: tuple[str, ...]
    named_by_file: bool = False


def arrange(
    name: str,
    tickers: Sequence[str],
    days: Days,
    closes: NDArray[np.float64],
    columns: NDArray[np.intp] | None,
    where: Where,
    notes: Sequence[str] = (),
) -> Quotes:
    """Quotes that came in any order.

    Args:
        name: what complaints call their source.
        tickers: a name for each column.
        days: [rows].
        closes: [rows, tickers], or [rows] with ``columns``; NaN where there is none.
        columns: [rows], each row's ticker as an index into ``tickers``.
        where: how a complaint about a row begins.
        notes: what has been noted so far.

    Raises:
        BadInput: there is no price, or two that contradict each other.
        TooLarge: more than MAX_CELLS.
    """
    notes = list(notes)
    if columns is None:
        rows, columns = np.nonzero(~np.isnan(closes))
        quotes = closes[rows, columns]
    else:
        rows = np.flatnonzero(~np.isnan(closes))
        columns, quotes = columns[rows], closes[rows]
    if not len(rows):
        raise BadInput(f"{name} has no price at all: it needs a row a day")
    if not _in_order(days[rows], columns):
        notes.append("the rows were not in order of date and have been sorted")
    dates, places = np.unique(days[rows], return_inverse=True)
    if len(dates) * len(tickers) > MAX_CELLS:
        raise TooLarge(
            f"{name} has {len(dates)} days of {len(tickers)} tickers: at most {MAX_CELLS} prices"
            " are read; leave some out"
        )
    empty = len(np.unique(days)) - len(dates)
    if empty:
        notes.append(f"{_count(empty, 'day')} without any price left out")

    keys = places.reshape(-1) * len(tickers) + columns
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(np.diff(keys[order]) == 0)
    if len(again):
        first, second = order[again], order[again + 1]
        differ = np.flatnonzero(quotes[first] != quotes[second])
        if len(differ):
            one, other = first[differ[0]], second[differ[0]]
            raise BadInput(
                f"{where(int(rows[other]))}: {tickers[columns[other]]} on {days[rows[other]]} is"
                f" {quotes[other]:g}, but {where(int(rows[one])).rpartition(', ')[2]} says"
                f" {quotes[one]:g}: keep one close a day"
            )
        repeated = len(np.unique(rows[second]))
        notes.append(f"{_count(repeated, 'row')} left out that repeated another")
    grid = np.full(len(dates) * len(tickers), np.nan)
    grid[keys] = quotes
    return Quotes(tuple(tickers), dates, grid.reshape(len(dates), len(tickers)), tuple(notes))


def _in_order(days: Days, columns: NDArray[np.intp]) -> bool:
    """Whether each ticker's days are."""
    order = np.argsort(columns, kind="stable")
    back = np.diff(days[order]).astype(np.int64) < 0
    return not bool((back & (np.diff(columns[order]) == 0)).any())


def complete(
    quotes: Quotes, columns: Sequence[int] | None = None, last: int | None = None
) -> Prices:
    """Gaps filled with the close before; what cannot be filled left out; what is odd noted.

    Args:
        quotes: what there is.
        columns: the tickers wanted, as indices, in the order wanted; days on which none of them
            has a price do not count. None: all.
        last: how many of the last days are wanted; notes are about them alone. None: all.
    """
    tickers, dates, closes = quotes.tickers, quotes.dates, quotes.closes
    if columns is not None:
        tickers, closes = tuple(tickers[i] for i in columns), closes[:, columns]
        traded = ~np.isnan(closes).all(axis=1)
        dates, closes = dates[traded], closes[traded]
    known = ~np.isnan(closes)
    count = len(dates)
    first = np.where(known.any(axis=0), known.argmax(axis=0), count)
    final = np.where(known.any(axis=0), count - 1 - known[::-1].argmax(axis=0), -1)
    kept = (first < count) & (count - 1 - final <= LONG_GAP)
    notes = list(quotes.notes)
    for index in np.flatnonzero(~kept):
        if first[index] == count:
            notes.append(f"{tickers[index]} is left out: it has no price at all")
        else:
            notes.append(
                f"{tickers[index]} is left out: its prices end on {dates[final[index]]}"
                f" (delisted, or renamed?) and the others go on to {dates[-1]}"
            )
    tickers = tuple(ticker for ticker, keep in zip(tickers, kept, strict=True) if keep)
    closes, known = closes[:, kept], known[:, kept]

    # Each cell's row, or the last row above it that has a price.
    source = np.maximum.accumulate(np.where(known, np.arange(count)[:, None], 0), axis=0)
    filled = np.take_along_axis(closes, source, axis=0)
    if last is not None:
        dates, filled, known = dates[-last:], filled[-last:], known[-last:]
    listed = ~np.isnan(filled)
    notes += _late(tickers, dates, listed.argmax(axis=0))
    notes += _gaps(tickers, dates, known, (listed & ~known).sum(axis=0))
    notes += _leaps(tickers, dates, filled)
    return Prices(tickers, dates, filled, tuple(notes), quotes.named_by_file)


def _late(tickers: tuple[str, ...], dates: Days, first: NDArray[np.intp]) -> list[str]:
    late = np.flatnonzero(first > 0)
    if not len(late):
        return []
    listed = _listed(late, lambda i: f"{tickers[i]} on {dates[first[i]]}", "ticker")
    return [f"prices that begin later than the others: {listed}"]


def _gaps(
    tickers: tuple[str, ...],
    dates: Days,
    known: NDArray[np.bool_],
    missing: NDArray[np.intp],
) -> list[str]:
    gapped = np.flatnonzero(missing)
    if not len(gapped):
        return []
    listed = _listed(gapped, lambda i: f"{tickers[i]} {missing[i]}", "ticker")
    total = _count(int(missing.sum()), "missing price")
    notes = [f"{total} filled with the close before: {listed}"]
    long = []
    for index in gapped[missing[gapped] > LONG_GAP]:
        priced = np.flatnonzero(known[:, index])
        lengths = np.diff(np.append(priced, len(known))) - 1
        for place in np.flatnonzero(lengths > LONG_GAP):
            long.append(f"{tickers[index]} {lengths[place]} days after {dates[priced[place]]}")
    if long:
        listed = _listed(range(len(long)), lambda i: long[i], "gap")
        notes.append(f"long gaps, in which nothing was traded or the data is lacking: {listed}")
    return notes


def _leaps(tickers: tuple[str, ...], dates: Days, closes: NDArray[np.float64]) -> list[str]:
    """Days that look like a split which the prices do not allow for."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        ratios = closes[1:] / closes[:-1]
        rows, columns = np.nonzero((ratios < _SPLIT_BELOW) | (ratios > _SPLIT_ABOVE))

    def told(place: int) -> str:
        ratio = float(ratios[rows[place], columns[place]])
        day, ticker = dates[rows[place] + 1], tickers[columns[place]]
        split = _split(ratio)
        change = f"{ratio - 1:+.0%}" if ratio < 100 else f"times {ratio:.3g}"
        return f"{ticker} {change} on {day}" + (f" (a {split} split?)" if split else "")

    if not len(rows):
        return []
    listed = _listed(range(len(rows)), told, "day")
    return [f"great leaps, check them or use prices adjusted for splits: {listed}"]


def _split(ratio: float) -> str:
    """ "2:1" where half the price is near, "1:10" where the tenfold is; else ""."""
    shares = max(1 / ratio, ratio) if ratio > 0 else 0.0
    whole = round(shares) if shares < 1000 else 0
    if whole < 2 or abs(shares / whole - 1) > _SPLIT_TOLERANCE:
        return ""
    return f"{whole}:1" if ratio < 1 else f"1:{whole}"


def _listed(places: Sequence[int] | NDArray[np.intp], told: Callable[[int], str], one: str) -> str:
    named = ", ".join(told(place) for place in places[:_LISTED])
    more = len(places) - _LISTED
    return f"{named} and {_count(more, f'more {one}')}" if more > 0 else named


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
