"""Single quotes put in order: sorted, each day once, gaps filled, and all that is odd noted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, TooLarge
from pi_edge.tasks import oddities
from pi_edge.tasks.dates import Days, Where
from pi_edge.tasks.table import shown

MAX_CELLS = 10_000_000
"""Days times tickers: 80 MB. Forty years of a thousand stocks."""


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


def names(tickers: Iterable[str], source: str) -> tuple[str, ...]:
    """The tickers, each on one line and printable.

    Raises:
        BadInput: one is empty, or there twice where case does not count.
    """
    printable = ("".join(c if c.isprintable() else " " for c in ticker) for ticker in tickers)
    found = tuple(" ".join(ticker.split()) for ticker in printable)
    counts = Counter(ticker.casefold() for ticker in found)
    for ticker in found:
        if not ticker:
            raise BadInput(f"{source} has prices without a ticker: name them")
        if counts[ticker.casefold()] > 1:
            raise BadInput(f"{source} has {shown(ticker)} twice: keep one column a ticker")
    return found


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
        tickers: a name for each column, as ``names`` gives it.
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
        notes.append(f"{oddities.count(empty, 'day')} without any price left out")

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
        notes.append(f"{oddities.count(repeated, 'row')} left out that repeated another")
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
    kept = (first < count) & (count - 1 - final <= oddities.LONG_GAP)
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
    notes += oddities.late(tickers, dates, listed.argmax(axis=0))
    notes += oddities.gaps(tickers, dates, known, (listed & ~known).sum(axis=0))
    notes += oddities.steps(dates)
    notes += oddities.leaps(tickers, dates, filled)
    return Prices(tickers, dates, filled, tuple(notes), quotes.named_by_file)
