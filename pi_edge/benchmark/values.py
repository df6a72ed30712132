"""Values out of a JSON file that somebody else may have written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pi_edge.errors import BadInput, NotFound

LONGEST_TEXT = 200
LARGEST_FILE = 512 * 1024 * 1024


def load(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        NotFound: there is no such file.
        BadInput: it cannot be read or is something else.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(f"{path} is larger than {LARGEST_FILE // 2**20} MB: no report")
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except RecursionError:
        raise BadInput(f"{path} is nested too deep to be a report") from None
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"{path} is not a report: it holds no JSON object")
    return document


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What the document lacks, or has of another type, becomes one line.

    Raises:
        BadInput: that line.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        raise BadInput(f"{path} is a damaged report: {error!r}") from error


def text(value: Any) -> str:
    """As one line that only prints: no control, invisible or direction-changing characters."""
    line = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in str(value))
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def positive(value: Any) -> float:
    """A time, a size, a count: finite and above zero.

    Raises:
        TypeError, ValueError: it is something else.
    """
    number = at_least_zero(value)
    if number == 0:
        raise ValueError("0 where a figure above 0 belongs")
    return number


def at_least_zero(value: Any) -> float:
    """A finite number that is not negative.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{text(value)!r} where a number belongs")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{value} where a figure of 0 or more belongs")
    return float(value)
