"""What a stream can show: bars and colours on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

# As typing has it, which takes longer to import than all the rest here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

PLAIN_EVERY = 30.0
"""Seconds between two plain lines of long work."""

_COLOURS = {"red": 31, "green": 32, "yellow": 33}

_silent = False


def silence(wanted: bool = True) -> None:
    """Whether there is to be no progress from now on, in this process: --quiet."""
    global _silent
    _silent = wanted


@contextlib.contextmanager
def quiet_if(wanted: bool) -> Iterator[None]:
    """Where it is wanted, without progress, and with nothing on stdout."""
    if not wanted:
        yield
        return
    silence()
    with (
        os.fdopen(os.open(os.devnull, os.O_WRONLY), "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        yield


def silent() -> bool:
    """Whether nobody wants to see progress."""
    return _silent


def remark(text: str) -> None:
    """Say what was done, on stdout, unless nobody wants to hear it."""
    if not _silent:
        print(text, flush=True)


def bar(total: int, title: str = "", stream: TextIO | None = None) -> Any:
    """A bar of tqdm's that counts to ``total``, on ``stream`` (stderr, so that a redirected answer
    stays an answer); None where it cannot be drawn, or nobody wants to see it. Closed, it leaves
    nothing behind."""
    stream = stream or sys.stderr
    if _silent or not is_live(stream):
        return None
    from tqdm import tqdm  # here: it is for people who wait

    tqdm.monitor_interval = 0  # no thread that looks after it
    return tqdm(total=total, desc=title or None, leave=False, file=stream, dynamic_ncols=True)


def is_live(stream: TextIO) -> bool:
    """Whether a line can be written over: on a terminal that knows how (terminfo(5), "dumb")."""
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def has_colours(stream: TextIO) -> bool:
    """Whether to colour what is written: on a terminal, unless NO_COLOR is set and not empty
    (https://no-color.org)."""
    return is_live(stream) and not os.environ.get("NO_COLOR")


def coloured(text: str, colour: str, stream: TextIO | None = None) -> str:
    """``text`` in red, green or yellow (ECMA-48, 8.3.117) where ``stream`` (stdout) has colours; as
    it is for ""."""
    if not colour or not has_colours(stream or sys.stdout):
        return text
    return f"\033[{_COLOURS[colour]}m{text}\033[0m"
