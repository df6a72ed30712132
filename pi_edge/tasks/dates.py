"""A column of dates as people write them, read as a whole: one line alone may not tell.

01/02/2024 is January 2nd or February 1st; which of them, the other rows of the column say.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput
from pi_edge.tasks.order_statistics import median
from pi_edge.tasks.table import shown

Days = NDArray[np.datetime64]
"""datetime64[D]; the date as written, whatever the time zone behind it."""

_TIME = r"(?:[T ,]+\d{1,2}:\d\d.*)?"
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME, re.ASCII)
_BARE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T\d{4,6}.*)?", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d\d)" + _TIME, re.ASCII)
_DAY_MONTH = re.compile(r"(\d{1,2})[- .]+([A-Za-z]{3,9})[-., ]+(\d{4}|\d\d)" + _TIME, re.ASCII)
_MONTH_DAY = re.compile(r"([A-Za-z]{3,9})[. ]+(\d{1,2}),? +(\d{4})" + _TIME, re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_EPOCH = datetime.date(1970, 1, 1).toordinal()

Where = Callable[[int], str]
"""How a complaint about a row begins."""


def is_date(cell: str) -> bool:
    """Whether ``cell`` is a date, read one way or the other."""
    return _sure(cell) is not None or _pair(cell) is not None


def column(cells: Sequence[str], where: Where) -> tuple[Days, tuple[str, ...]]:
    """The days of ``cells``, and a note if their order of day and month had to be found out.

    Raises:
        BadInput: one is no date, or nothing tells the day from the month.
    """
    known: dict[str, datetime.date | None] = {}
    pairs: dict[str, tuple[int, int, int]] = {}
    for row, cell in enumerate(cells):
        if cell in known:
            continue
        known[cell] = _sure(cell)
        if known[cell] is None:
            pair = _pair(cell)
            if pair is None or not (_date(*pair) or _date(pair[0], pair[2], pair[1])):
                what = f"{shown(cell)} is no date" if cell else "the date is missing"
                raise BadInput(f"{where(row)}: {what}: write it like 2024-01-31")
            pairs[cell] = pair
    notes: tuple[str, ...] = ()
    if pairs:
        month_first = _month_first(cells, pairs, where)
        for cell, (year, first, second) in pairs.items():
            month, day = (first, second) if month_first else (second, first)
            known[cell] = _date(year, month, day)
        example = next(iter(pairs))
        notes = (f"dates like {example} are read {'month' if month_first else 'day'} first",)
    # By way of the few that differ: NumPy converts an integer far faster than a date.
    numbers = {cell: day.toordinal() - _EPOCH for cell, day in known.items() if day}
    days = np.fromiter((numbers[cell] for cell in cells), np.int64, len(cells))
    return days.astype("datetime64[D]"), notes


def _sure(cell: str) -> datetime.date | None:
    """The date, where one cell is enough to tell it."""
    match = _YEAR_FIRST.fullmatch(cell)
    if match:
        return _date(int(match[1]), int(match[3]), int(match[4]))
    match = _BARE.fullmatch(cell)
    if match:
        return _date(int(match[1]), int(match[2]), int(match[3]))
    match = _YEAR_LAST.fullmatch(cell)
    if match and match[2] == ".":  # nobody writes the month first and points between
        return _date(_year(match[4]), int(match[3]), int(match[1]))
    match = _DAY_MONTH.fullmatch(cell)
    if match:
        return _date(_year(match[3]), _month(match[2]), int(match[1]))
    match = _MONTH_DAY.fullmatch(cell)
    return _date(_year(match[3]), _month(match[1]), int(match[2])) if match else None


def _pair(cell: str) -> tuple[int, int, int] | None:
    """Year, and day and month in the order written."""
    match = _YEAR_LAST.fullmatch(cell)
    return (_year(match[4]), int(match[1]), int(match[3])) if match and match[2] != "." else None


def _month_first(
    cells: Sequence[str], pairs: dict[str, tuple[int, int, int]], where: Where
) -> bool:
    """Told by a number above twelve; else by the rows' order, their steps, the lack of weekends."""
    day_first = next((cell for cell, pair in pairs.items() if pair[1] > 12), None)
    month_first = next((cell for cell, pair in pairs.items() if pair[2] > 12), None)
    if day_first and month_first:
        later = max(cells.index(day_first), cells.index(month_first))
        raise BadInput(
            f"{where(later)}: {shown(day_first)} has the day first and {shown(month_first)} the"
            " month: write all dates like 2024-01-31"
        )
    if day_first or month_first:
        return bool(month_first)
    written = [pairs[cell] for cell in cells if cell in pairs]
    readings = {
        True: np.array([_date(y, a, b) for y, a, b in written], dtype="datetime64[D]"),
        False: np.array([_date(y, b, a) for y, a, b in written], dtype="datetime64[D]"),
    }
    if (readings[True] == readings[False]).all():
        return False
    for plausible in (_in_order, _daily, _on_weekdays):
        fits = [reading for reading, days in readings.items() if plausible(days)]
        if len(fits) == 1:
            return fits[0]
    row = next(row for row, cell in enumerate(cells) if cell in pairs)
    raise BadInput(
        f"{where(row)}: nothing tells whether {shown(cells[row])} has the day or the month first:"
        " write dates like 2024-01-31"
    )


def _in_order(days: Days) -> bool:
    steps = np.diff(days).astype(np.int64)
    return bool(len(steps) and ((steps >= 0).all() or (steps <= 0).all()))


def _daily(days: Days) -> bool:
    """Whether most steps are of a few days at most: read the other way, days become months."""
    steps = np.abs(np.diff(days).astype(np.int64))
    return bool(len(steps) and median(steps) <= 5)


def _on_weekdays(days: Days) -> bool:
    # Day 0, 1970-01-01, was a Thursday.
    return bool(((days.astype(np.int64) + 3) % 7 < 5).all())


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _year(digits: str) -> int:
    """Of two digits as POSIX's strptime reads them: 69 to 99 are of the last century."""
    year = int(digits)
    return year if len(digits) > 2 else year + (1900 if year > 68 else 2000)


def _month(name: str) -> int:
    """1 to 12; 0 where it is no month."""
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0
