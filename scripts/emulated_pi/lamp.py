"""The LED of a board as a lamp in the terminal, from the emulated GPIO registers.

Asked some hundred times a second: a wink of 30 ms is not missed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from emulated_pi.boards import Board
from emulated_pi.monitor import Monitor
from emulated_pi.pattern import Watched

_PAUSE = 0.001
_REDRAW = 0.1


def levels(monitor: Monitor, pin: int) -> Iterator[tuple[float, bool]]:
    """The level of a pin over and over, each with this machine's monotonic clock in seconds."""
    while True:
        before = time.monotonic()
        lit = monitor.pin(pin)
        yield (before + time.monotonic()) / 2, lit
        time.sleep(_PAUSE)


def follow(board: Board, pin: int, seconds: float | None, stream: TextIO = sys.stdout) -> int:
    """Show the light until Ctrl-C, or for so many seconds. Returns 0.

    Raises:
        Unavailable: the board is, or goes, off.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    lamp = _Lamp(pin, stream, began)
    try:
        with board.monitor() as monitor:
            for at, lit in levels(monitor, pin):
                lamp.see(at, lit)
                if seconds is not None and at - began >= seconds:
                    break
        lamp.leave()
    except KeyboardInterrupt:
        lamp.leave()
    except BrokenPipeError:
        # Who read it has seen enough. Python's own last flush must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return 0


class _Lamp:
    """On a terminal one line drawn over and over, elsewhere a line for each change."""

    def __init__(self, pin: int, stream: TextIO, began: float) -> None:
        self._pin, self._stream, self._began = pin, stream, began
        self._terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._colour = self._terminal and "NO_COLOR" not in os.environ
        utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
        self._signs = "○●" if utf8 else ".*"
        self._watched: Watched | None = None
        self._drawn = 0.0
        self._words = ""

    def see(self, at: float, lit: bool) -> None:
        """Show what a reading says, where it says something new."""
        if self._watched is None:
            self._watched = Watched(lit, at)
            changed = True
        else:
            changed = self._watched.see(lit, at) is not None
        if changed or at - self._drawn >= _REDRAW:
            self._drawn = at
            self._show(at, changed, self._watched.words(at))

    def leave(self) -> None:
        """End the line that was drawn."""
        if self._terminal:
            self._write("\n")

    def _show(self, at: float, changed: bool, words: str) -> None:
        assert self._watched is not None
        lit = self._watched.lit
        if self._terminal:
            sign = self._signs[lit]
            if self._colour:
                sign = f"\x1b[{'1;33' if lit else '2'}m{sign}\x1b[0m"
            self._write(f"\r\x1b[K{sign} GPIO{self._pin}  {words}")
        elif changed or words != self._words:
            said = f"{at - self._began:9.3f} s  {'on ' if lit else 'off'}"
            self._write(said + (f"  {words}\n" if words != self._words else "\n"))
        self._words = words

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
