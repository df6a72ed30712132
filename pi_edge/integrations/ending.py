"""Ctrl-C and SIGTERM for what runs until it is told to stop, which is then its proper end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Seconds; a signal's handler only notes that it came.
_STEP = 0.2


class Ended(Exception):
    """It was told to stop while something was being made, which is cleared away."""


class Ending:
    """Whether it was told to stop. A second signal ends the process at once."""

    def __init__(self) -> None:
        self.told = False

    def wait(self, seconds: float) -> bool:
        """Sleep, unless it is told to stop; whether it was."""
        until = time.monotonic() + seconds
        while not self.told and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _STEP))
        return self.told

    def check(self) -> None:
        """Raises Ended when it is time to stop."""
        if self.told:
            raise Ended

    def _note(self, number: int, _frame: Any) -> None:
        self.told = True
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def until_told() -> Iterator[Ending]:
    """Take SIGINT and SIGTERM over; for the main thread. The block ends quietly on Ended."""
    ending = Ending()
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            before[number] = signal.signal(number, ending._note)
    try:
        yield ending
    except Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
