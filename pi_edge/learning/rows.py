"""New rows for a line: read from a CSV, and told apart from those it has learned already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput, WrongUsage
from pi_edge.tasks import regression, table, text_files


@dataclass(frozen=True)
class Rows:
    """What a line is to learn.

    Attributes:
        x: float64 [n, k]; y: float64 [n].
        path: where they were read; contents: of that file.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    path: Path
    contents: bytes = field(repr=False)

    def told(self) -> dict[str, Any]:
        """For model.json, which knows the file again by it."""
        return {
            "file": self.path.name,
            "sha256": hashlib.sha256(self.contents).hexdigest(),
            "bytes": len(self.contents),
            "rows": len(self.y),
        }


def read(path: Path, columns: Sequence[str], target: str) -> Rows:
    """The rows in a CSV with the model's columns and its target; others are ignored.

    Raises:
        WrongUsage: it is a folder.
        NotFound, BadInput, TooLarge: it cannot be read, lacks a column, holds no rows, or a cell
            holds no finite number.
    """
    if path.is_dir():
        raise WrongUsage(f"{path} is a folder: --data takes the CSV file itself")
    contents = text_files.contents(path)
    found = table.parse(contents, str(path))
    values = regression.from_table(found, [*columns, target])
    if not len(values):
        raise BadInput(f"{path} has a heading but no rows: nothing to learn from")
    return Rows(values[:, :-1], values[:, -1], path, contents)


def history(info: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The files that a model has learned from, the oldest first, as its model.json tells."""
    found = []
    first, learned = info.get("trained"), info.get("learned")
    if not isinstance(learned, dict):
        learned = {}
        if isinstance(first, dict) and isinstance(first.get("data"), dict):
            told = first["data"]
            found.append({key: told[key] for key in ("file", "sha256") if key in told})
            found[-1]["date"] = first.get("date")
    found += [one for one in learned.get("earlier", []) if isinstance(one, dict)]
    if isinstance(learned.get("data"), dict):
        found.append({**learned["data"], "date": learned.get("date")})
    return found


def check_new(new: Rows, history: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a file that was learned already, also with more rows behind: they would count twice.

    Raises:
        BadInput: it was.
    """
    whole = hashlib.sha256(new.contents).hexdigest()
    for one in history:
        when = f" (on {one['date']})" if one.get("date") else ""
        if one.get("sha256") == whole:
            raise BadInput(
                f"{new.path} was learned already{when}: its rows would count twice; give new ones"
            )
        size = one.get("bytes")
        if not isinstance(size, int) or not 0 < size < len(new.contents):
            continue
        if hashlib.sha256(new.contents[:size]).hexdigest() == one.get("sha256"):
            raise BadInput(
                f"{new.path} begins with what was learned already{when}, whose rows would count"
                " twice: give the new ones alone, below the same heading"
            )
