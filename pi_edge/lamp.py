"""A mock light for a person to watch."""

from __future__ import annotations

import logging
import os
from typing import TextIO

logger = logging.getLogger(__name__)


class Lamp:
    """On a terminal one line rewritten in place, elsewhere a log line per state.

    The cursor is left at the line's start, so that a log line overwrites the lamp and the next
    drawing comes below it.
    """

    def __init__(self, stream: TextIO, pin: int) -> None:
        self._stream, self._pin = stream, pin
        self._terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        utf8 = (stream.encoding or "").lower().replace("-", "") == "utf8"
        self._signs = "○●" if utf8 else ".*"
        self._drawn: tuple[bool, str] | None = None

    def draw(self, lit: bool, state: str) -> None:
        """Show the lamp lit or dark, and the state beside it."""
        before, self._drawn = self._drawn, (lit, state)
        if before == self._drawn:
            return
        if self._terminal:
            self._write(f"\r\x1b[KLED {self._signs[lit]} {state}\r")
        elif before is None or before[1] != state:
            logger.info("LED (mock, GPIO%d): %s", self._pin, state)

    def erase(self) -> None:
        """Leave the terminal's line as it was."""
        if self._terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone
            self._terminal = False
