"""What is odd about a history of prices, in one line each kind, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pi_edge.tasks.dates import Days
from pi_edge.tasks.order_statistics import median

LONG_GAP = 10
"""Days without a price, more of which are no mere oversight."""

_SPLIT_BELOW, _SPLIT_ABOVE = 0.55, 1.8
_SPLIT_TOLERANCE = 0.1
_LISTED = 8
"""How many tickers or days one note names."""


def late(tickers: tuple[str, ...], dates: Days, first: NDArray[np.intp]) -> list[str]:
    """Tickers whose prices begin after the first day; ``first`` [tickers] tells the row."""
    late = np.flatnonzero(first > 0)
    if not len(late):
        return []
    listed = _listed(late, lambda i: f"{tickers[i]} on {dates[first[i]]}", "ticker")
    return [f"prices that begin later than the others: {listed}"]


def gaps(
    tickers: tuple[str, ...],
    dates: Days,
    known: NDArray[np.bool_],
    missing: NDArray[np.intp],
) -> list[str]:
    """Prices that were filled in: ``missing`` [tickers] of them; ``known`` [days, tickers]."""
    gapped = np.flatnonzero(missing)
    if not len(gapped):
        return []
    listed = _listed(gapped, lambda i: f"{tickers[i]} {missing[i]}", "ticker")
    total = count(int(missing.sum()), "missing price")
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


def steps(dates: Days) -> list[str]:
    """Days that are too far apart for daily closes."""
    apart = np.diff(dates).astype(np.int64)
    if len(apart) < 2 or median(apart) <= 4:
        return []
    return [f"most dates are {median(apart):g} days apart: daily closes are meant here"]


def leaps(tickers: tuple[str, ...], dates: Days, closes: NDArray[np.float64]) -> list[str]:
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
    return f"{named} and {count(more, f'more {one}')}" if more > 0 else named


def count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
