"""How far a long measurement is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TextIO

from pi_edge import terminal


class Progress:
    """Counts to ``total``; speaks on stderr, so that a redirected table stays a table.

    >>> with Progress(2) as progress:
    ...     progress.next("mnist-cnn float32, 1 thread")
    ...     progress.say("mnist-cnn float32, 1 thread: 0.5 ms")
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.total, self.begun = total, 0
        self.stream = stream or sys.stderr
        self.bar = terminal.bar(total, stream=self.stream)

    def next(self, what: str) -> None:
        """The next step begins."""
        if self.bar is not None:
            self.bar.n = self.begun
            self.bar.set_description_str(what)  # and draws
        self.begun += 1

    def say(self, text: str) -> None:
        """A step is done: a line of its own where there is no bar."""
        if self.bar is None and not terminal.silent():
            self.stream.write(f"{self.begun}/{self.total} {text}\n")
            self.stream.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()
