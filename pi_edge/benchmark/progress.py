"""How far a long measurement is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TextIO

WIDTH = 24


class Progress:
    """Counts to ``total``; speaks on stderr, so that a redirected table stays a table.

    >>> with Progress(2) as progress:
    ...     progress.next("mnist-cnn float32, 1 thread")
    ...     progress.say("mnist-cnn float32, 1 thread: 0.5 ms")
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total, self.begun = total, 0
        self.stream = stream or sys.stderr
        self.bar = self.stream.isatty()

    def next(self, what: str) -> None:
        """The next step begins."""
        if self.bar:
            filled = WIDTH * self.begun // self.total
            bar = "#" * filled + "." * (WIDTH - filled)
            self._put(f"\r\033[K[{bar}] {self.begun + 1}/{self.total} {what}")
        self.begun += 1

    def say(self, text: str) -> None:
        """A step is done: a line of its own where there is no bar."""
        if not self.bar:
            self._put(f"{self.begun}/{self.total} {text}\n")

    def _put(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar:
            self._put("\r\033[K")
