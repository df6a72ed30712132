"""Call what chatters and fails in many words, and keep both off the terminal."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import TypeVar

from pi_edge.quiet import quiet

Result = TypeVar("Result")


def attempt(call: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """The result of ``call``, or what it raised; nothing that it prints is shown."""
    with quiet(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call(), None
        except Exception as error:
            return None, error


def first_line(error: Exception, most: int = 200) -> str:
    """What an error says first, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = " ".join(lines[0].split()) if lines else type(error).__name__
    return line if len(line) <= most else f"{line[: most - 3]}..."
