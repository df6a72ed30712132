"""Closing prices: the user's own file, or 20 S&P 500 stocks that the package skfolio ships.

skfolio itself is not needed, and not imported: of its wheel one file of 426 KB is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi_edge.desktop.wheel_file import WheelFile
from pi_edge.errors import NotFound
from pi_edge.tasks import prices

FILE = "sp500_dataset.csv.gz"
MEMBER = f"skfolio/datasets/data/{FILE}"
SHA256 = "ee21cac28befb1d0a739a9ceb22184f995394726aa0cfde9a21941d1ac04ac0d"
PACKAGE = "skfolio==1.12.2"
SOURCE = f"closing prices of 20 S&P 500 stocks, 1990 to 2022, from {FILE} in {PACKAGE}"
TERMS = "BSD 3-Clause (skfolio); closing prices, rounded to 3 decimals"


def find(given: Path | None = None) -> Path:
    """Return the path of the prices: the file given, else the default, fetched at first need.

    The default is taken out of an installed skfolio, or out of pi-edge's cache
    (XDG_CACHE_HOME/pi-edge), or fetched with pip from the package index.

    Raises:
        NotFound: the file is not there, or the default cannot be fetched.
    """
    if given is not None:
        if not given.is_file():
            raise NotFound(f"no prices at {given}: --prices takes a CSV of closing prices")
        return given
    named = "name a CSV of closing prices with --prices"
    return WheelFile(PACKAGE, MEMBER, SHA256, "the default prices", named, "use --prices").find()


def learned_from(told: Mapping[str, Any], name: str, given: Path | None = None) -> Path:
    """Return the path of the prices that the model `name` learned from, or of those given.

    Args:
        told: has the `path` of the user's own file, none for the default.

    Raises:
        NotFound: the user's own file is not there any more.
    """
    own = told.get("path")
    if given is not None or own is None:
        return find(given)
    if not Path(own).is_file():
        raise NotFound(f"{name} learned from {own}, which is gone: name its prices with --prices")
    return Path(own)


def load(given: Path | None = None) -> prices.Prices:
    """Read the prices that `find` finds.

    Raises:
        BadInput: a file that cannot be understood, with the line and the remedy.
    """
    return prices.read(find(given))
