"""uvicorn's HTTP/1.1 protocol, whichever is installed, and what the limits must know of it.

httptools has no wheels for 32-bit ARM: there it is h11.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

# Requests that a client may send ahead on one connection before it has read any answer.
MAX_PIPELINED = 32

if TYPE_CHECKING or not importlib.util.find_spec("httptools"):
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class HttpProtocol(H11Protocol):
        """With h11, which reads one request at a time."""

        @property
        def in_body(self) -> bool:
            """Whether what comes next belongs to a body."""
            return self.conn.their_state is h11.SEND_BODY

else:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class HttpProtocol(HttpToolsProtocol):
        """With httptools."""

        in_body = False

        def on_headers_complete(self):
            if len(self.pipeline) >= MAX_PIPELINED:
                raise OverflowError("too many requests ahead")  # httptools makes it a parser error
            self.in_body = True
            super().on_headers_complete()

        def on_message_complete(self):
            self.in_body = False
            super().on_message_complete()
