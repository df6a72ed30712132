"""Being told to stop: SIGTERM (systemd, kill) and SIGINT (Ctrl-C).

The first one lets the loop end at its next step, with what it has learned kept; a second one ends
the process at once.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Whether it is time to stop.

    Attributes:
        signal: number of the signal that said so; 0 while none has.
    """

    def __init__(self) -> None:
        self.signal = 0

    def __bool__(self) -> bool:
        return self.signal != 0

    @property
    def status(self) -> int:
        """Exit status of a process that such a signal ended, as shells count (128 + number)."""
        return 128 + self.signal if self.signal else 0


@contextlib.contextmanager
def listening() -> Iterator[Stop]:
    """Heed the signals while the block runs; then they do what they did before.

    A signal that is ignored, as under nohup, stays ignored. In a thread other than the main one,
    where Python hears no signals, nothing is changed and the answer stays no.

    >>> with listening() as stop:
    ...     while not stop:
    ...         step()
    """
    stop = Stop()

    def heed(number: int, frame: FrameType | None) -> None:
        stop.signal = number
        for one in heeded:  # the next one is the kernel's business, also within a long step
            signal.signal(one, signal.SIG_DFL)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number, handler in former.items() if handler != signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, heed)
    try:
        yield stop
    finally:
        for number in heeded:
            signal.signal(number, former[number] or signal.SIG_DFL)
