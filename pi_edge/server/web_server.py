"""uvicorn, set up to be part of the daemon: it neither logs requests nor catches signals, what
is no HTTP is answered with one JSON line, and clients are held to limits.

Where httptools is installed (it has no wheels for 32-bit ARM) it uses that, else h11.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from pi_edge.server.acceptor import Acceptor
from pi_edge.server.answers import error_json
from pi_edge.server.clients import Admission, Clients, Limits
from pi_edge.server.connection import Connection
from pi_edge.server.parser import HttpProtocol
from pi_edge.server.patience import MAX_HEAD, Patience

# Ticks of uvicorn's, ten a second, between two looks at how connections do.
_LOOK = 10

_DEFAULTS = Limits()


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


class Protocol(HttpProtocol):
    """Writes answers whole, answers what the parser refuses in JSON, whatever it raises, and
    loses patience."""

    admission: Admission
    patience: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._one_write = OneWrite(transport)
        self._connection = Connection(
            cast(asyncio.Transport, self._one_write), self.admission.bucket
        )
        self._client = Patience(self.patience, self.loop.time())
        self.app_state = {"connection": self._connection}  # becomes scope["state"]
        super().connection_made(cast(asyncio.Transport, self._one_write))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._connection.lost.set()
        self.admission.leave()

    def on_response_complete(self) -> None:
        self._one_write.flush()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._client.answer_stuck(self.transport.get_write_buffer_size(), self.loop.time())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._client.answer_moves()

    def data_received(self, data: bytes) -> None:
        if not self.in_body and self._client.head_too_large(data):
            self._end(431, f"the head of this request has more than {MAX_HEAD} bytes: shorten it")
            return
        before, of_body = self.cycle, self.in_body
        try:
            super().data_received(data)
        except Exception:  # such as a path that is not ASCII; the connection's state is unknown
            self.send_400_response("")
        head_done = self.cycle is not before
        self._client.came(data, head_done, self.in_body, self.loop.time(), of_body)

    def look(self, now: float) -> None:
        """End the connection where the client takes too long.

        Args:
            now: of the event loop's clock, in seconds.
        """
        waited = self.cycle is not None and self.cycle.waiting_for_100_continue
        reading = not self.flow.read_paused and not waited
        late = self._client.lost(self.transport, reading, self.in_body, now)
        if late == "head" and self.cycle is not None and not self.cycle.response_complete:
            return  # it is the server that is slow; a request sent ahead waits for its turn
        if late == "answer":
            self.transport.abort()
        elif late and (self._client.begun() or late == "body") and not self._answering():
            self._end(
                408,
                f"too little of the {late} came for {self.patience:g} s (setting client_seconds)",
            )
        elif late:
            self.transport.close()

    def _answering(self) -> bool:
        return (
            self.cycle is not None
            and self.cycle.response_started
            and not self.cycle.response_complete
        )

    def send_400_response(self, msg: str) -> None:
        self._end(400, "this is not a valid HTTP/1.1 request: check its first line and headers")

    def _end(self, status: int, message: str) -> None:
        """Answer for the application, and end the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the application has nobody to answer any more
            self.cycle.message_event.set()
        body = error_json(message)
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b"
            % (status, HTTPStatus(status).phrase.encode(), len(body), body)
        )
        self.transport.close()


class WebServer(uvicorn.Server):
    """uvicorn's server, leaving signals to the daemon and taking connections within limits."""

    def __init__(
        self, config: uvicorn.Config, limits: Limits, secure: ssl.SSLContext | None
    ) -> None:
        super().__init__(config)
        self._limits, self._secure = limits, secure
        self._clients = Clients(limits)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        self.servers = [
            cast(asyncio.Server, Acceptor(listener, self._protocol, self._clients, self._secure))
            for listener in sockets or []
        ]

    async def on_tick(self, counter: int) -> bool:
        if counter % _LOOK == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.look(now)
        return await super().on_tick(counter)

    def _protocol(self, admission: Admission) -> Protocol:
        protocol = Protocol(self.config, self.server_state, {})
        protocol.admission, protocol.patience = admission, self._limits.client_seconds
        return protocol


def create(
    app: ASGIApp,
    drain_seconds: int,
    limits: Limits = _DEFAULTS,
    secure: ssl.SSLContext | None = None,
) -> WebServer:
    """A server for ``app`` that, told to stop, gives requests ``drain_seconds`` to finish.

    Args:
        limits: what clients are granted.
        secure: for HTTPS; None for HTTP.
    """
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=[("x-content-type-options", "nosniff")],
        h11_max_incomplete_event_size=2 * MAX_HEAD,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=drain_seconds,
    )
    return WebServer(config, limits, secure)
