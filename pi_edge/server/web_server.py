"""uvicorn, set up to be part of the daemon: it neither logs requests nor catches signals, and
what is no HTTP is answered with one JSON line.

Where httptools and uvloop are installed (they have no wheels for 32-bit ARM) it uses them,
else h11 and asyncio.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from starlette.types import ASGIApp

from pi_edge.server.answers import error_json
from pi_edge.server.connection import Connection

if TYPE_CHECKING or not importlib.util.find_spec("httptools"):
    from uvicorn.protocols.http.h11_impl import H11Protocol as _Protocol
else:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as _Protocol

# Longer than clients keep an idle connection in their pools, so that the client closes first.
KEEP_ALIVE_SECONDS = 75


class OneWrite:
    """A transport that sends an answer's head together with the start of its body: one system
    call instead of two, and the client wakes up once."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport, self._head = transport, b""

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1"):
            self._head = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Send a head that no body follows."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(_Protocol):
    """Writes answers whole, and answers what the parser refuses in JSON, whatever it raises."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._one_write = OneWrite(transport)
        self._connection = Connection(cast(asyncio.Transport, self._one_write))
        self.app_state = {"connection": self._connection}  # becomes scope["state"]
        super().connection_made(cast(asyncio.Transport, self._one_write))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._connection.lost.set()

    def on_response_complete(self) -> None:
        self._one_write.flush()
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except Exception:  # such as a path that is not ASCII; the connection's state is unknown
            self.send_400_response("")

    def send_400_response(self, msg: str) -> None:
        if self.transport.is_closing():
            return
        body = error_json("this is not a valid HTTP/1.1 request: check its first line and headers")
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()


class WebServer(uvicorn.Server):
    """uvicorn's server, leaving signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def create(app: ASGIApp, drain_seconds: int) -> WebServer:
    """A server for ``app`` that, told to stop, gives requests ``drain_seconds`` to finish."""
    return WebServer(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=drain_seconds,
        )
    )


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop where it is installed, None for asyncio's own."""
    if not importlib.util.find_spec("uvloop"):
        return None
    uvloop: Any = importlib.import_module("uvloop")
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
