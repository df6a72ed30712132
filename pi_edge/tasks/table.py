"""Tables of text as people have them: CSV (RFC 4180) and what spreadsheets make of it.

Comma, semicolon, tab or bar between cells; UTF-8, UTF-16, Windows-1252 or Latin-1; decimal point
or comma; compressed with gzip or not. Every complaint is one line that names file, line and remedy.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pi_edge.errors import BadInput
from pi_edge.tasks import numerals, text_files
from pi_edge.tasks.numerals import to_float
from pi_edge.tasks.text_files import contents

__all__ = ["Table", "at", "contents", "number", "parse", "read", "shown", "to_float"]

MAX_LINE = 2**20
"""Characters. A longer line is no table; cells may have csv.field_size_limit(), 128 Ki."""

_SEPARATORS = "\t;,|"


@dataclass(frozen=True)
class Table:
    """A heading and rows of as many cells, stripped of surrounding space.

    Attributes:
        name: what complaints call it, a path or "the body".
        header: as written; names may be empty or repeat.
        rows: none of them all empty; there may be none at all.
        lines: the line, from 1, on which each row starts.
        decimal: "." or ",", as far as the file lets it tell.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    decimal: str = "."


def read(path: Path) -> Table:
    """The table in a file, which may be compressed with gzip.

    Raises:
        NotFound: there is no such file.
        BadInput: it cannot be read, or is no table.
        TooLarge: it has more than MAX_BYTES.
    """
    return parse(contents(path), str(path))


def parse(data: bytes, name: str) -> Table:
    """The table in ``data``.

    The first row that is not blank is the heading. A line ``sep=;`` before it, as Excel
    understands, tells the separator.

    Raises:
        BadInput: empty, no text, quotation marks that do not pair, or a row with more or fewer
            cells than the heading.
        TooLarge: more than MAX_BYTES.
    """
    text = text_files.decode(data, name)
    first, told = _first_line(text)
    if not first:
        raise BadInput(f"{name} is empty: it needs a heading line and rows of numbers")
    separator = told or _separator(first)
    header: tuple[str, ...] | None = None
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    reader = csv.reader(
        _short_lines(text, name), delimiter=separator, skipinitialspace=True, strict=True
    )
    line, skip = 1, bool(told)
    try:
        for cells in reader:
            row = tuple(map(str.strip, cells))
            if any(row):
                if skip:
                    skip = False
                elif header is None:
                    header = _trimmed(row)
                else:
                    rows.append(row if len(row) == len(header) else _fit(row, header, name, line))
                    lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{at(name, line)}: {_explained(error)}") from None
    if header is None:
        raise BadInput(f"{name} has no heading line: its first line must name the columns")
    comma = "," in text and (separator != "," or '"' in text)
    decimal = numerals.decimal(rows, separator) if comma else "."
    return Table(name, header, tuple(rows), tuple(lines), decimal)


def number(table: Table, row: int, column: int) -> float:
    """The number in a cell; finite.

    Args:
        row: index into ``table.rows``.
        column: index into ``table.header``.

    Raises:
        BadInput: there is none.
    """
    cell = table.rows[row][column]
    value = to_float(cell, table.decimal)
    if value is None or not math.isfinite(value):
        where = f"{at(table.name, table.lines[row])}, column {shown(table.header[column])}"
        if not cell:
            raise BadInput(f"{where}: the cell is empty: fill it in or remove the row")
        raise BadInput(f"{where}: {shown(cell)} is no finite number: write it like 12.5")
    return value


def at(name: str, line: int) -> str:
    """How a complaint begins."""
    return f"{name}, line {line}"


def shown(cell: str) -> str:
    """A cell quoted on one line, shortened."""
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")


def _first_line(text: str) -> tuple[str, str]:
    """The first line that is not blank, and the separator if a line before it told that."""
    told = ""
    for line in io.StringIO(text, newline=""):
        stripped = line.strip("\r\n ")
        if not told and re.fullmatch(rf"sep=[{_SEPARATORS}]", stripped):
            told = stripped[-1]
        elif stripped.strip():
            return stripped, told
    return "", told


def _separator(line: str) -> str:
    """The likeliest: the most frequent outside quotation marks; a decimal comma is none."""
    bare = re.sub(r'"[^"]*"', "", line)
    counts = {separator: bare.count(separator) for separator in _SEPARATORS}
    if counts["\t"] or counts[";"]:
        counts[","] -= len(re.findall(r"(?<=\d),(?=\d)", bare))
    best = max(counts, key=lambda separator: counts[separator])
    return best if counts[best] > 0 else ","


def _short_lines(text: str, name: str) -> Iterator[str]:
    # newline="": a line ends where an editor ends it, and csv keeps what is inside quotes
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if len(line) > MAX_LINE:
            raise BadInput(f"{at(name, number)}: the line has more than {MAX_LINE} characters")
        yield line


def _trimmed(row: tuple[str, ...]) -> tuple[str, ...]:
    """Without the empty cells at its end."""
    end = len(row)
    while end and not row[end - 1]:
        end -= 1
    return row[:end]


def _fit(row: tuple[str, ...], header: tuple[str, ...], name: str, line: int) -> tuple[str, ...]:
    if len(row) > len(header):
        row = row[: max(len(header), len(_trimmed(row)))]
    if len(row) != len(header):
        raise BadInput(
            f"{at(name, line)}: {len(row)} cells where the heading has {len(header)}: give"
            " every row a cell for each column"
        )
    return row


def _explained(error: csv.Error) -> str:
    reason = str(error)
    if "field larger" in reason:
        return (
            f"a cell has more than {csv.field_size_limit()} characters: is a quotation mark open?"
        )
    if "unexpected end" in reason:
        return "a quotation mark is opened here and never closed: close it"
    if "expected after" in reason:
        return 'something follows a closing quotation mark: write "" for one inside a cell'
    return f"the line cannot be read ({reason})"
