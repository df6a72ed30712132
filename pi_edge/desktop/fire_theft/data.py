"""Fires and thefts in 42 districts of Chicago: find the table, or take it from the model."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.regression.data import read
from pi_edge.errors import BadInput, NotFound
from pi_edge.tasks import table, text_files

FILES = ("fire_theft.csv", "fire_theft.xls")
BESIDE_CHECKOUT = Path(__file__).parents[4] / "shared" / "data"
COLUMN = "fires_per_1000_housing_units"
TARGET = "thefts_per_1000_population"
DISTRICTS = 42
SOURCE = "US Commission on Civil Rights, 1979: 42 districts of Chicago"
TERMS = "public"

# Of the values as little-endian doubles, fires of a district before its thefts.
VALUES_SHA256 = "b66829bfcc48ee6b9d647cb32593247709c235d8b88c1b58e2e739674735d4f6"

_EXPECTED = (
    f"{DISTRICTS} rows of two columns, fires per 1,000 housing units and thefts per 1,000 "
    "population, one heading each, beginning with 6.2 and 29"
)


@dataclass(frozen=True)
class Districts:
    """The points, in the order of the file: stochastic descent depends on it.

    Attributes:
        x: fires per 1,000 housing units, float64 [42].
        y: thefts per 1,000 population, float64 [42].
        path: where they were read; sha256: of that file.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    path: Path
    sha256: str


def find(given: Path | None = None) -> Path:
    """The path of fire_theft.csv or the course's fire_theft.xls: the one given, or the one in the
    folder named by PI_EDGE_DATA or in the data folder beside the checkout.

    Raises:
        NotFound: there is none; says what it must hold and where to put it.
    """
    if given is not None:
        places = [given / file for file in FILES] if given.is_dir() else [given]
    else:
        folders = [BESIDE_CHECKOUT]
        if "PI_EDGE_DATA" in os.environ:
            folders.insert(0, Path(os.environ["PI_EDGE_DATA"]))
        places = [folder / file for folder in folders for file in FILES]
    for path in places:
        if path.is_file():
            return path
    remedy = "put it there" if given is None else "check the path"
    raise NotFound(
        f"{FILES[0]} is missing (looked for {', '.join(map(str, places))}): {remedy}, or name it "
        f"with --data; it has {_EXPECTED}"
    )


def load(given: Path | None = None) -> Districts:
    """Read the table that `find` finds.

    Raises:
        NotFound: there is none.
        BadInput: it is another table.
    """
    path = find(given)
    contents = text_files.contents(path)
    rows = read(contents, path)
    if len(rows.header) != 2 or len(rows.rows) != DISTRICTS:
        raise BadInput(
            f"{path} has {len(rows.rows)} rows of {len(rows.header)} columns, not {_EXPECTED}; "
            "for other tables there is pi-edge train regression"
        )
    values = np.array([[table.number(rows, at, column) for column in (0, 1)] for at in range(42)])
    if values_sha256(values) != VALUES_SHA256:
        raise BadInput(
            f"{path} has other numbers or another order than the {DISTRICTS} districts; "
            "for other tables there is pi-edge train regression"
        )
    return Districts(values[:, 0], values[:, 1], path, hashlib.sha256(contents).hexdigest())


def of_model(folder: Path, given: Path | None = None) -> Districts:
    """The table given, else the one that the model's model.json carries.

    Raises:
        BadInput: model.json carries none, or another.
    """
    if given is not None:
        return load(given)
    path = folder / "model.json"
    try:
        told: Mapping[str, Any] = json.loads(path.read_bytes())["data"]
        values = np.column_stack([told[COLUMN], told[TARGET]]).astype(np.float64)
        sha256 = str(told["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} does not carry the {DISTRICTS} districts ({error!r}): give them with --data"
        ) from None
    if values.shape != (DISTRICTS, 2) or values_sha256(values) != VALUES_SHA256:
        raise BadInput(f"{path}: its data are not the {DISTRICTS} districts: convert again")
    return Districts(values[:, 0], values[:, 1], path, sha256)


def values_sha256(values: NDArray[np.float64]) -> str:
    """The SHA-256 of rows [n, 2], whatever the machine's byte order."""
    return hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()
