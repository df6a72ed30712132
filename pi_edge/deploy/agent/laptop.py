"""The Pi's end of the conversation: requests come as lines of JSON, a request's files follow it
as plain bytes; back go any number of {"say": line}, then {"answer": {...}} or {"failed": line}."""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Iterator
from typing import Any

# A laptop that holds the lock either asks for the next thing at once or is gone; without a reply to
# the network's own probes nobody tells.
SILENCE = 60.0
# Before that it may be making a wheelhouse.
PATIENCE = 3600.0


class Gone(Exception):
    """The laptop has ended, or the network between."""


class Laptop:
    """The conversation over two file descriptors."""

    def __init__(self, source: int = 0, sink: int = 1) -> None:
        self.source, self.sink = source, sink
        self.patience = PATIENCE
        self._buffer = b""

    def requests(self) -> Iterator[dict[str, Any]]:
        """Requests, until the laptop ends the conversation.

        Raises:
            Gone: it was silent for too long.
        """
        while True:
            while b"\n" not in self._buffer:
                more = self._more()
                if not more:
                    return
                self._buffer += more
            line, _, self._buffer = self._buffer.partition(b"\n")
            try:
                request = json.loads(line)
            except ValueError:
                raise Gone("the laptop's words make no sense") from None
            yield request

    def read(self, size: int) -> bytes:
        """The next bytes of a file that is being sent, at most ``size``, at least one.

        Raises:
            Gone: they do not come.
        """
        if not self._buffer:
            self._buffer = self._more()
            if not self._buffer:
                raise Gone("the laptop ended in the middle of a file")
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return piece

    def say(self, line: str) -> None:
        """Tell how far it is."""
        self._send({"say": line})

    def answer(self, facts: dict[str, Any]) -> None:
        self._send({"answer": facts})

    def fail(self, line: str) -> None:
        self._send({"failed": line})

    def _more(self) -> bytes:
        ready, _, _ = select.select([self.source], [], [], self.patience)
        if not ready:
            raise Gone("the laptop was silent for too long")
        return os.read(self.source, 1 << 20)

    def _send(self, message: dict[str, Any]) -> None:
        # What has been begun is finished, whether or not somebody still listens.
        with contextlib.suppress(OSError):
            os.write(self.sink, json.dumps(message).encode() + b"\n")
