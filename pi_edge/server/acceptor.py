"""Takes connections, no more at a time than are allowed.

asyncio's own server would take all that come, and says nothing of those that have not finished
their TLS handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable

from pi_edge.server.answers import error_json
from pi_edge.server.clients import Admission, Clients

logger = logging.getLogger("pi_edge")

# Seconds for a TLS handshake; a Pi 3 needs a tenth of one.
HANDSHAKE_SECONDS = 10.0
# Connections taken before others on the event loop get their turn.
_AT_ONCE = 64
# Seconds to wait where the system has no more sockets to give.
_PAUSE = 1.0
# Those refused stay half open so long, in seconds, and so many of them: closed at once, the
# answer might be lost (RFC 9112, 9.6).
_LINGER, _LINGERING = 1.0, 64
# Seconds between two lines in the log about refusals.
_QUIET = 60.0


class Acceptor:
    """Stands in for ``asyncio.Server`` before uvicorn.

    Args:
        listener: a listening TCP socket.
        protocol: makes what serves a connection; it gives the admission back when it is lost.
        clients: says who may come.
        secure: for TLS; None for none.
    """

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[Admission], asyncio.Protocol],
        clients: Clients,
        secure: ssl.SSLContext | None,
    ) -> None:
        self._listener, self._protocol, self._clients = listener, protocol, clients
        self._secure = secure
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused: deque[socket.socket] = deque()
        self._logged = -_QUIET
        self._closed = False
        listener.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Take no more."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._listener.fileno())
            while self._refused:
                self._refused.popleft().close()

    async def wait_closed(self) -> None:
        """For uvicorn: nothing is left to wait for."""

    def _resume(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no more file descriptors, or no memory: some will come back
                self._log(f"cannot take connections now: {error.strerror}")
                self._loop.remove_reader(self._listener.fileno())
                self._loop.call_later(_PAUSE, self._resume)
                return
            connection.setblocking(False)
            admission = self._clients.admit(address[0])
            if isinstance(admission, str):
                self._refuse(connection, admission)
                continue
            task = self._loop.create_task(self._connect(connection, admission))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self, connection: socket.socket, admission: Admission) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(
                lambda: self._protocol(admission),
                connection,
                ssl=self._secure,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._secure else None,
            )
        except OSError as error:  # TimeoutError and ssl.SSLError are some; the client's business
            logger.debug("a connection came to nothing: %s", error)
            admission.leave()
            connection.close()
        except BaseException:
            admission.leave()
            raise

    def _refuse(self, connection: socket.socket, why: str) -> None:
        self._log(f"a connection was refused: {why}")
        if self._secure:  # there is nobody to talk to before a handshake
            connection.close()
            return
        body = error_json(f"{why}: come again in a second")
        with contextlib.suppress(OSError):
            connection.send(
                b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n%b"
                % (len(body), body)
            )
            connection.shutdown(socket.SHUT_WR)
        self._refused.append(connection)
        if len(self._refused) > _LINGERING:
            self._refused.popleft().close()
        self._loop.call_later(_LINGER, connection.close)

    def _log(self, line: str) -> None:
        if self._loop.time() - self._logged >= _QUIET:
            self._logged = self._loop.time()
            logger.warning("%s", line)
