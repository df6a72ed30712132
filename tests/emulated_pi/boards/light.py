"""The LED of a board, watched from outside through the emulated GPIO registers."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from types import TracebackType

from support import ROOT

sys.path.append(str(ROOT / "scripts"))

from emulated_pi import boards, lamp
from emulated_pi.pattern import Change

# A busy machine's emulator; nothing here waits this long unless it hangs.
PATIENCE = 600.0


@dataclass(frozen=True)
class Rhythm:
    """What a light did, by medians: one late reading, or a board that slept, changes little.

    Attributes:
        lit: seconds on at a time.
        dark: seconds off at a time.
        period: seconds from going on to going on again.
        times: how often it went on.
    """

    lit: float
    dark: float
    period: float
    times: int


class Light:
    """Watches a pin for as long as the block lasts; times are this machine's, in seconds."""

    def __init__(self, bits: int, pin: int = 17) -> None:
        self._board, self._pin = boards.running(bits), pin
        self._stop, self._first = threading.Event(), threading.Event()
        self._changes: list[Change] = []
        self._seen = 0.0
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Light:
        self._thread.start()
        assert self._first.wait(PATIENCE), self._error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        try:
            with self._board.monitor() as monitor:
                for at, lit in lamp.levels(monitor, self._pin):
                    if not self._changes or self._changes[-1].lit != lit:
                        self._changes.append(Change(at, lit))
                    self._seen = at
                    self._first.set()
                    if self._stop.is_set():
                        return
        except Exception as problem:
            self._error = problem

    @property
    def lit(self) -> bool:
        """Whether it is on now."""
        return self._changes[-1].lit

    def now(self) -> float:
        """When it was last looked at."""
        return self._seen

    def changes(self, since: float = 0.0) -> list[Change]:
        """When it went on and off, the state at the beginning of watching included."""
        return [change for change in list(self._changes) if change.at >= since]

    def wait(self, what: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not what():
            assert self._thread.is_alive(), self._error
            assert time.monotonic() < deadline, self.changes()[-20:]
            time.sleep(0.05)

    def wait_steady(self, lit: bool, seconds: float = 3.0) -> None:
        """Wait until it has been on, or off, for so long."""
        self.wait(lambda: self.lit == lit and self._seen - self._changes[-1].at >= seconds)

    def wait_changes(self, count: int, since: float) -> None:
        """Wait until it has changed so often."""
        self.wait(lambda: len(self.changes(since)) >= count)

    def darks(self, since: float = 0.0) -> list[float]:
        """How long it was off each time."""
        return _lengths(self.changes(since), False)

    def rhythm(self, since: float = 0.0, until: float = float("inf")) -> Rhythm:
        """What repeated."""
        changes = [change for change in self.changes(since) if change.at <= until]
        rises = [change.at for change in changes if change.lit]
        return Rhythm(
            median(_lengths(changes, True)),
            median(_lengths(changes, False)),
            median(b - a for a, b in pairwise(rises)),
            len(rises),
        )


def _lengths(changes: list[Change], lit: bool) -> list[float]:
    pairs = pairwise(changes)
    return [later.at - change.at for change, later in pairs if change.lit == lit]
