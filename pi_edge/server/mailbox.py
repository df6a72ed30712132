"""From the models' threads back to the event loop, the quickest way.

The loop's own call_soon_threadsafe wakes it while the thread still holds the GIL, so that it goes
straight back to sleep. Writing to a socket lets go of the GIL: the loop is off at once. And a
loop that has been woken already takes all that has arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque

import numpy as np

from pi_edge.handle import Arrays, Handle, settle

Outputs = dict[str, np.ndarray]


class Mailbox:
    """Where one event loop gets its inferences delivered."""

    def __init__(self) -> None:
        self._letters: deque[tuple[asyncio.Future[Outputs], Outputs | None, Exception | None]]
        self._letters = deque()
        self._bell, self._ringer = socket.socketpair()
        for end in (self._bell, self._ringer):
            end.setblocking(False)
        self._rung = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._bell, self._empty)

    async def infer(self, handle: Handle, inputs: Arrays) -> Outputs:
        """The same as ``handle.infer``."""
        future: asyncio.Future[Outputs] = self._loop.create_future()

        def deliver(outputs: Outputs | None, error: Exception | None) -> None:
            self._letters.append((future, outputs, error))
            if not self._rung:
                self._rung = True
                with contextlib.suppress(OSError):
                    self._ringer.send(b"!")

        handle.submit(inputs, deliver)
        return await future

    def _empty(self) -> None:
        self._bell.recv(64)
        self._rung = False  # before looking: what arrives from now on rings again
        while self._letters:
            settle(*self._letters.popleft())
