"""Numbers in a table: the model's columns in, a column of predictions out.

A request gives values by position ({"x": [12.5, ...]}, or one list a row for several columns), by
name ({"rows": [{column: number}, ...]}) or as a CSV with a heading. What else a row or a CSV
holds is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from pi_edge.errors import BadInput, NotFound, PiEdgeError, TooLarge
from pi_edge.tasks import Run, json_body, table, text_files
from pi_edge.tasks.table import Table

DEFAULT_MODEL = "fire-theft"

MAX_ROWS = 100_000
_BATCH = 1000
# Of float32. Asking NumPy for it warns of subnormals on 32-bit ARM once a runtime is loaded.
_LARGEST = (2 - 2**-23) * 2.0**127
_HOW = (
    'send {"x": [numbers]} for one column, {"x": [[numbers of a row], ...]} or {"rows": [{column: '
    "number}, ...]} for several, or a CSV with a heading"
)

_Row = tuple[float, ...]


@dataclass(frozen=True)
class Values:
    """Rows of numbers in the order of the model's columns."""

    rows: tuple[_Row, ...]


@dataclass(frozen=True)
class Named:
    """Rows of numbers by column, as they were sent."""

    rows: tuple[Mapping[str, Any], ...]


Request = Values | Named | Table


class Predictions(dict[str, Any]):
    """The answer, which is {"predictions": [floats]} and nothing else, with what it answers.

    Attributes:
        columns, target: what the model's model.json calls them.
        x: float64 [n, k], the rows that were sent.
    """

    def __init__(
        self,
        predictions: list[float],
        columns: Sequence[str],
        target: str,
        x: NDArray[np.float64],
    ) -> None:
        super().__init__(predictions=predictions)
        self.columns, self.target, self.x = columns, target, x


def from_body(body: bytes, content_type: str) -> Request:
    """The rows in an HTTP body: JSON, a CSV with a heading, or bare numbers, a row on each line.

    Raises:
        BadInput: none of these.
        TooLarge: more rows or bytes than are taken at once.
    """
    if "json" in content_type.lower() or body[:64].lstrip()[:1] in (b"{", b"["):
        return _from_json(body)
    if (values := _bare(body)) is not None:
        return values
    return _checked(table.parse(body, "the CSV"))


def from_argument(text: str) -> Request:
    """One row as it is typed, its numbers separated by commas; else the CSV or JSON file there.

    Raises:
        NotFound: it is no number, and there is no such file.
        BadInput: the file cannot be read or understood.
        TooLarge: more rows or bytes than are taken at once.
    """
    if (values := _bare(text.encode(errors="replace"))) is not None:
        return values
    if not text:
        raise BadInput("there is no number, nor a file's name")
    try:
        contents = text_files.contents(Path(text))
    except NotFound:
        raise NotFound(f"{text} is no number, and there is no file of that name") from None
    if contents[:64].lstrip()[:1] in (b"{", b"["):
        return _from_json(contents)
    return _checked(table.parse(contents, "the CSV"))


def answer(request: Request, run: Run, about: Mapping[str, Any]) -> dict[str, Any]:
    """What the line says of each row.

    Args:
        about: its "columns" name what the graph's input x [n, columns] holds.

    Returns:
        predictions: a float for each row.

    Raises:
        BadInput: a column is missing, or a number is none that the model can take.
        PiEdgeError: the model is no regression.
    """
    columns = about.get("columns")
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise PiEdgeError("this model's model.json names no columns: it is no regression")
    if not columns:
        raise PiEdgeError("this model's model.json names no columns: convert it again")
    rows = _matrix(request, columns)
    predictions: list[float] = []
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH].astype(np.float32)
        given = run({"x": part}).get("y")
        if given is None or given.shape != (len(part), 1):
            raise PiEdgeError("this model does not answer with y [-1,1]: it is no regression")
        predictions += [float(value) for value in given[:, 0]]
    for at, value in enumerate(predictions, 1):
        if not math.isfinite(value):
            raise BadInput(f"row {at}: the values are too large for a prediction: check them")
    return Predictions(predictions, columns, str(about.get("target", "prediction")), rows)


def to_text(answer: Mapping[str, Any]) -> str:
    """For one number a sentence, for a table the same with the predictions beside it."""
    predictions = [readable(value) for value in answer["predictions"]]
    if not isinstance(answer, Predictions):
        return "\n".join(predictions)
    target = answer.target.replace("_", " ")
    columns = [name.replace("_", " ") for name in answer.columns]
    if len(answer.x) == 1:
        given = zip(answer.x[0], columns, strict=True)
        told = ", ".join(f"{value:.15g} {name}" for value, name in given)
        return f"{told} -> {predictions[0]} {target}"
    cells = [[f"{value:.15g}" for value in row] for row in answer.x]
    lines = [
        [*columns, target],
        *([*row, value] for row, value in zip(cells, predictions, strict=True)),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def readable(value: float) -> str:
    """A number with four significant digits, or all that stand before the point."""
    if value == 0 or not 1e-4 <= abs(value) < 1e9:
        return f"{value:.4g}"
    return f"{value:.{max(0, 3 - math.floor(math.log10(abs(value))))}f}"


def _matrix(request: Request, columns: Sequence[str]) -> NDArray[np.float64]:
    """The rows as float64 [n, columns], finite as float32 too."""
    if isinstance(request, Table):
        return from_table(request, columns)
    if isinstance(request, Named):
        return np.array([_picked(at, row, columns) for at, row in enumerate(request.rows, 1)])
    for at, values in enumerate(request.rows, 1):
        if len(values) != len(columns):
            raise BadInput(
                f"row {at} has {_count(len(values))}; this model takes {_count(len(columns))}, "
                f"{', '.join(map(repr, columns))}: give one for each column (12.5, not 12,5)"
            )
    return np.array(request.rows, np.float64)


def _count(numbers: int) -> str:
    return f"{numbers} number" if numbers == 1 else f"{numbers} numbers"


def from_table(read: Table, columns: Sequence[str]) -> NDArray[np.float64]:
    """These columns of a table, float64 [n, columns], finite as float32 too.

    Raises:
        BadInput: one is missing, or there twice; or a cell holds no such number.
    """
    missing = [name for name in columns if name not in read.header]
    if missing:
        raise BadInput(
            f"{read.name} has no column {', '.join(map(repr, missing))}; its columns are "
            f"{', '.join(map(table.shown, read.header))}"
        )
    for name in columns:
        if read.header.count(name) > 1:
            raise BadInput(f"{read.name}: two columns are called {name!r}: remove one of them")
    places = [read.header.index(name) for name in columns]
    rows = np.empty((len(read.rows), len(columns)))
    for row in range(len(read.rows)):
        for at, place in enumerate(places):
            rows[row, at] = _small_enough(
                table.number(read, row, place), f"{table.at(read.name, read.lines[row])}"
            )
    return rows


def _picked(at: int, row: Mapping[str, Any], columns: Sequence[str]) -> _Row:
    missing = [name for name in columns if name not in row]
    if missing:
        raise BadInput(
            f"row {at} has no {', '.join(map(repr, missing))}; this model takes "
            f"{', '.join(map(repr, columns))}"
        )
    return tuple(_number(row[name], f"row {at}, column {name!r}") for name in columns)


def _from_json(body: bytes) -> Values | Named:
    document = json_body.read(body)
    if not isinstance(document, dict) or ("x" in document) == ("rows" in document):
        raise BadInput(_HOW)
    key = "x" if "x" in document else "rows"
    given = document[key]
    if key == "x" and _is_number(given):
        given = [given]
    if not isinstance(given, list):
        raise BadInput(f'"{key}" must be a list: {_HOW}')
    _check_count(len(given), f'"{key}"')
    if key == "rows":
        for at, row in enumerate(given, 1):
            if not isinstance(row, dict):
                raise BadInput(f'"rows", row {at}: {_shown(row)} is no {{column: number}}')
        return Named(tuple(given))
    return Values(tuple(_listed(at, row) for at, row in enumerate(given, 1)))


def _listed(at: int, row: Any) -> _Row:
    cells = row if isinstance(row, list) else [row]
    return tuple(_number(cell, f'"x", row {at}') for cell in cells)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, where: str) -> float:
    if not _is_number(value):
        raise BadInput(f"{where}: {_shown(value)} is no number: write it like 12.5")
    try:
        return _small_enough(float(value), where)
    except OverflowError:  # whole numbers have no largest one
        return _small_enough(math.inf, where)


def _small_enough(value: float, where: str) -> float:
    # Also what is infinite or NaN: it compares false.
    if not abs(value) <= _LARGEST:
        raise BadInput(
            f"{where}: {value:g} is no finite number up to 3.4e38, the most float32 holds"
        )
    return value


def _shown(value: Any) -> str:
    try:
        return table.shown(str(orjson.dumps(value), errors="replace"))
    except TypeError:  # orjson reads what is nested deeper than what it writes
        return "what is nested so deeply"


def _bare(body: bytes) -> Values | None:
    """Numbers without a heading, a row on each line; None where there is anything else."""
    lines = body.strip().splitlines()
    try:
        rows = tuple(tuple(float(cell) for cell in line.split(b",")) for line in lines)
    except ValueError:
        return None
    if not rows:
        return None
    _check_count(len(rows), "the input")
    for at, row in enumerate(rows, 1):
        for value in row:
            _small_enough(value, f"row {at}")
    return Values(rows)


def _checked(read: Table) -> Table:
    _check_count(len(read.rows), read.name)
    return read


def _check_count(rows: int, name: str) -> None:
    if not rows:
        raise BadInput(f"{name} has no rows: there is nothing to predict from")
    if rows > MAX_ROWS:
        raise TooLarge(f"{name} has {rows} rows, at most {MAX_ROWS} are taken: send it in parts")
