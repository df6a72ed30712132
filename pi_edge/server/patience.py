"""When a client is too slow: a head, a body, an answer that does not move on.

Nothing is timed by request: once a second the server looks at every connection. So a request
costs no more than a few additions.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

MAX_HEAD = 32 * 1024
"""Bytes of a request's first line and headers."""

# What of a body, or of an answer, must have moved on for the patience to begin anew, in bytes.
STEP = 64 * 1024

_END = re.compile(rb"\r?\n\r?\n")


class Patience:
    """What one connection did, and how long ago.

    Args:
        seconds: for a head; for each 64 KiB of a body, and of an answer.
        now: monotonic, in seconds.
    """

    __slots__ = ("_closing", "_head", "_mark", "_received", "_seconds", "_since", "_stuck", "_tail")

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._since: float | None = now  # of the head that has begun, or of the connection
        self._head, self._tail = 0, b""
        self._received = 0
        self._mark = (0, now)  # of the body: bytes received then, and when
        self._stuck: tuple[int, float] | None = None  # of the answer: bytes left then, and when
        self._closing: float | None = None

    def head_too_large(self, data: bytes) -> bool:
        """Whether a head goes on in ``data`` beyond what is allowed; for data in no body."""
        room = MAX_HEAD - self._head
        if len(data) <= room:
            return False
        # The end may have begun in the data before.
        return not _END.search(self._tail + data[:room])

    def came(
        self, data: bytes, head_done: bool, in_body: bool, now: float, of_body: bool = False
    ) -> None:
        """Note what was received.

        Args:
            head_done: with it a head became whole.
            in_body: what comes next belongs to a body.
            of_body: it began in a body, of which it may be the end.
        """
        self._received += len(data)
        if head_done:
            self._since, self._head, self._tail = None, 0, b""
            if in_body:
                self._mark = (self._received, now)
        elif not in_body and not of_body:
            if self._since is None:
                self._since = now
            self._head += len(data)
            self._tail = data[-3:]

    def answer_stuck(self, unsent: int, now: float) -> None:
        """More of an answer waits than the connection takes."""
        self._stuck = (unsent, now)

    def answer_moves(self) -> None:
        """It takes more again."""
        self._stuck = None

    def begun(self) -> bool:
        """Whether anything came of the head that is being waited for."""
        return self._head > 0

    def lost(self, transport: asyncio.Transport, reading: bool, in_body: bool, now: float) -> str:
        """What the client takes too long for: "head", "body" or "answer"; "" while it does not.

        Args:
            reading: the server is waiting for more of the body.
        """
        if self._too_long(transport, now):
            return "answer"
        if self._since is not None and now - self._since > self._seconds:
            return "head"
        if not in_body:
            return ""
        if not reading or self._received - self._mark[0] >= STEP:
            self._mark = (self._received, now)
        return "body" if now - self._mark[1] > self._seconds else ""

    def _too_long(self, transport: Any, now: float) -> bool:
        if transport.is_closing():  # what is left to send keeps it open
            self._closing = self._closing or now
            return now - self._closing > self._seconds
        if self._stuck is None:
            return False
        unsent = transport.get_write_buffer_size()
        if unsent <= self._stuck[0] - STEP:
            self._stuck = (unsent, now)
        return now - self._stuck[1] > self._seconds
