"""What a stream can show: bars and colours on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TextIO

PLAIN_EVERY = 30.0
"""Seconds between two plain lines of long work."""

_COLOURS = {"red": 31, "green": 32, "yellow": 33}

_silent = False


def silence() -> None:
    """No progress from now on, in this process: --quiet."""
    global _silent
    _silent = True


def silent() -> bool:
    """Whether nobody wants to see progress."""
    return _silent


def is_live(stream: TextIO) -> bool:
    """Whether a line can be written over: on a terminal that knows how (terminfo(5), "dumb")."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def has_colours(stream: TextIO) -> bool:
    """Whether to colour what is written: on a terminal, unless NO_COLOR is set and not empty
    (https://no-color.org)."""
    return is_live(stream) and not os.environ.get("NO_COLOR")


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """``text`` in red, green or yellow (ECMA-48, 8.3.117) where ``stream`` (stdout) has colours."""
    if not text or not has_colours(stream or sys.stdout):
        return text
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"
