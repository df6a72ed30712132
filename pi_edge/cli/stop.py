"""Ctrl-C for long work that must leave nothing half-made behind.

An exception that a signal raises arrives anywhere: in a lock that is being released, in a
callback, in something that Python is clearing away, where it is lost. So the work is done in a
thread of its own, and a signal only notes that it is to end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Report = Callable[[int, int], None]


class Stop:
    """SIGINT and SIGTERM: while something is being made, the work ends at its next step, and
    clears it away; before that, and when asked twice, the process ends at once."""

    def __init__(self) -> None:
        self._asked = self._busy = False

    def watch(self, work: Callable[[], int]) -> int:
        """What ``work`` returns or raises; for the main thread.

        Raises:
            KeyboardInterrupt: it was told to stop and did.
        """
        done: list[int] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                done.append(work())
            except BaseException as error:
                failed.append(error)

        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._told)
        thread = threading.Thread(target=run, name="work", daemon=True)
        thread.start()
        # The kernel may hand a signal to any thread, and Python obeys it in this one only: which
        # has to wake up for it.
        while thread.is_alive():
            thread.join(0.2)
        if self._asked:
            raise KeyboardInterrupt  # whatever else went wrong on the way out
        if failed:
            raise failed[0]
        return done[0]

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """While something is being made that must not be left lying about."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def check(self) -> None:
        """Raises KeyboardInterrupt when it is time to stop."""
        if self._asked:
            raise KeyboardInterrupt

    def before(self, report: Report) -> Report:
        """``report``, but not when it is time to stop."""

        def checking(done: int, total: int) -> None:
            self.check()
            report(done, total)

        return checking

    def _told(self, _signal: int, _frame: Any) -> None:
        if self._asked or not self._busy:
            # No end of Python's own: other threads would lose the ground under them.
            os.write(sys.stderr.fileno(), b"pi-edge: stopped\n")
            os._exit(130)
        self._asked = True
