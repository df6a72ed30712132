"""Which request this is: an id that its answer and its log lines have in common.

Whoever sends a ``traceparent`` header (W3C Trace Context, https://www.w3.org/TR/trace-context/)
has named the request: trace and parent together are its id. Any other gets an id when somebody
first asks for it.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import NamedTuple

_process = os.urandom(4).hex()
_numbers = itertools.count(1)

# Section 3.2.2: version, trace-id, parent-id, trace-flags; later versions may append to it.
_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.S)


class Trace(NamedTuple):
    """What a client calls its request: 32 and 16 lower-case hexadecimal digits."""

    trace_id: str
    parent_id: str


def parse(header: bytes) -> Trace | None:
    """The trace that a ``traceparent`` header names, None where it is not valid."""
    found = _TRACEPARENT.fullmatch(header)
    if found is None:
        return None
    version, trace_id, parent_id, more = found.groups()
    if version == b"ff" or (version == b"00" and more is not None):
        return None
    if not trace_id.strip(b"0") or not parent_id.strip(b"0"):
        return None
    return Trace(trace_id.decode(), parent_id.decode())


class Request:
    """One request, from its headers: names in lower case, as ASGI has them. Every request makes
    one, so that all else waits until somebody asks."""

    __slots__ = ("_id", "_traceparent")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._id = ""
        self._traceparent: bytes | None = None
        for name, value in headers:
            if name == b"traceparent":
                # Two contradict each other: neither counts.
                self._traceparent = value if self._traceparent is None else b""

    @property
    def trace(self) -> Trace | None:
        """What its client calls it, None where it says nothing valid."""
        return parse(self._traceparent) if self._traceparent else None

    @property
    def id(self) -> str:
        """The client's trace and parent; else an id that no other request to this or an earlier
        process has."""
        if not self._id:
            self._id = "-".join(self.trace or (_process, str(next(_numbers))))
        return self._id


_current: ContextVar[Request | None] = ContextVar("request", default=None)


def begin(request: Request) -> None:
    """From here on the current task, and what it starts in its context, works on ``request``."""
    _current.set(request)


def current() -> Request | None:
    """The request being worked on; None outside of one."""
    return _current.get()
