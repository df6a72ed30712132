"""A table of numbers on disk, as a matrix to learn from: CSV, or .xls as Excel 97 wrote it."""

from __future__ import annotations

import hashlib
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, Unavailable, WrongUsage
from pi_edge.tasks import numerals, table, text_files
from pi_edge.tasks.table import Table

_XLS = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class Numbers:
    """What a line is fitted to.

    Attributes:
        columns, target: headings.
        x: float64 [n, k]; y: float64 [n].
        path: where it was read; sha256: of that file.
    """

    columns: tuple[str, ...]
    target: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    path: Path
    sha256: str


def load(path: Path, target: str | None, without: Sequence[str] = ()) -> Numbers:
    """Read the columns of a table, all but those left out.

    Raises:
        NotFound, BadInput, TooLarge: as pi_edge.tasks.table.read; or it cannot be learned from.
        WrongUsage: no target was named.
    """
    contents = text_files.contents(path)
    return select(read(contents, path), target, without, path, hashlib.sha256(contents).hexdigest())


def read(contents: bytes, path: Path) -> Table:
    """The table in the contents of the file at ``path``."""
    if contents.startswith(_XLS):
        return _xls(contents, str(path))
    return table.parse(contents, str(path))


def select(
    read: Table, target: str | None, without: Sequence[str], path: Path, sha256: str
) -> Numbers:
    """Tell the target from the columns, and read the numbers of both."""
    _check_headings(read)
    headings = ", ".join(map(repr, read.header))
    if target is None:
        raise WrongUsage(f"say what to predict: --target COLUMN, one of {headings} in {read.name}")
    for name in (target, *without):
        if name not in read.header:
            raise BadInput(f"{read.name} has no column {name!r}; it has {headings}")
    if target in without:
        raise WrongUsage(f"{target!r} cannot be both predicted and left out")
    columns = [name for name in read.header if name != target and name not in without]
    if not columns:
        raise BadInput(f"{read.name} has no column left to predict {target!r} from")
    if not read.rows:
        raise BadInput(f"{read.name} has a heading but no rows: nothing to learn from")
    _check_cells(read, columns)
    if len(read.rows) < len(columns) + 1:
        raise BadInput(
            f"{read.name} has {len(read.rows)} rows, too few for {len(columns)} columns: at least "
            f"{len(columns) + 1} are needed, or leave columns out with --without"
        )
    y, *x = (_column(read, name) for name in (target, *columns))
    if y.min() == y.max():
        raise BadInput(f"{read.name}: {target!r} is {y[0]:g} in every row: nothing to predict")
    constant = [name for name, values in zip(columns, x, strict=True) if np.ptp(values) == 0]
    if constant:
        raise BadInput(
            f"{read.name}: {', '.join(map(repr, constant))} never changes and tells nothing: "
            f"leave it out with {leave_out(constant)}"
        )
    return Numbers(tuple(columns), target, np.column_stack(x), y, path, sha256)


def leave_out(columns: Sequence[str]) -> str:
    """The flags that leave these columns out, as typed in a shell."""
    return " ".join(f"--without {shlex.quote(name)}" for name in columns)


def _column(read: Table, name: str) -> NDArray[np.float64]:
    at = read.header.index(name)
    return np.array([table.number(read, row, at) for row in range(len(read.rows))])


def _check_headings(read: Table) -> None:
    for at, name in enumerate(read.header, 1):
        if not name:
            raise BadInput(f"{read.name}: column {at} has no heading: give it a name")
        if read.header.count(name) > 1:
            raise BadInput(f"{read.name}: two columns are called {name!r}: rename one of them")


def _check_cells(read: Table, columns: Sequence[str]) -> None:
    """Point at all columns without a single number together: names, dates."""
    words = [name for name in columns if not _any_number(read, name)]
    if words:
        cell = read.rows[0][read.header.index(words[0])]
        raise BadInput(
            f"{table.at(read.name, read.lines[0])}, column {table.shown(words[0])}: "
            f"{table.shown(cell)} is no number, nor is any other cell of that column: "
            f"leave it out with {leave_out(words)}"
        )


def _any_number(read: Table, name: str) -> bool:
    at = read.header.index(name)
    return any(numerals.to_float(row[at], read.decimal) is not None for row in read.rows)


def _xls(contents: bytes, name: str) -> Table:
    """The first sheet with something in it, its numbers written so that none loses a digit."""
    try:
        import xlrd
    except ImportError:
        raise Unavailable(
            f"{name} is an Excel workbook, which takes xlrd to read: "
            "pip install 'pi-edge[desktop]', or save the sheet as CSV"
        ) from None
    try:
        book = xlrd.open_workbook(file_contents=contents, logfile=io.StringIO())
        for sheet in book.sheets():
            rows = [
                tuple(_cell(cell, book.datemode) for cell in sheet.row(at))
                for at in range(sheet.nrows)
            ]
            lines = [line for line, row in enumerate(rows, 1) if any(row)]
            if lines:
                break
        else:
            raise BadInput(f"{name} is an empty workbook: it needs headings and rows of numbers")
    except BadInput:
        raise
    except Exception as error:  # damaged workbooks make xlrd raise whatever it meets
        raise BadInput(f"{name} is a damaged workbook ({error!r}): save it again") from None
    width = max(at for line in lines for at, cell in enumerate(rows[line - 1], 1) if cell)
    filled = [(*rows[line - 1], *[""] * width)[:width] for line in lines]
    return Table(name, filled[0], tuple(filled[1:]), tuple(lines[1:]))


def _cell(cell: Any, datemode: int) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_NUMBER:
        value = float(cell.value)
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        return str(xlrd.xldate_as_datetime(cell.value, datemode).isoformat())
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return str(bool(cell.value)).upper()
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#error"))
    return str(cell.value).strip()
