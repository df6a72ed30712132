"""A client's connection, for who must know that it is gone, or end it, in the middle of a request.

ASGI tells of a client that left only to who reads its body on. A request that waits its turn
does not read: what it would read would have to be kept.
"""

from __future__ import annotations

import asyncio
import select
from types import TracebackType

from starlette.requests import ClientDisconnect
from starlette.types import Scope

from pi_edge.server.clients import Bucket


class Connection:
    """What the web server tells of a connection, and lets be done with it. In the scope it is
    ``scope["state"]["connection"]``."""

    def __init__(self, transport: asyncio.Transport, bucket: Bucket | None = None) -> None:
        self.transport = transport
        self.bucket = bucket
        """What its requests take from; None where they are not counted."""
        self.lost = asyncio.Event()
        """Set when the connection is closed, whoever closed it."""

    async def end(self, seconds: float) -> None:
        """Close the connection, giving what was written ``seconds`` to reach the client."""
        self.transport.close()
        try:
            async with asyncio.timeout(seconds):
                await self.lost.wait()
        except TimeoutError:
            await self.abort()

    async def abort(self) -> None:
        """Close the connection at once; what was written and not sent is dropped."""
        self.transport.abort()
        await self.lost.wait()


def of(scope: Scope) -> Connection:
    """The connection that a request came on."""
    connection: Connection = scope["state"]["connection"]
    return connection


class WhileConnected:
    """As ``asyncio.timeout``, with the client's departure instead of the time's: cancels what the
    current task does inside, and raises ClientDisconnect.

    On Linux it is noticed, by its FIN or RST, also when nobody reads from the connection; that
    of a client with more to send than the two systems keep in between arrives behind that.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._gone = False
        self._poll: select.epoll | None = None

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._watch = asyncio.create_task(self._connection.lost.wait())
        self._watch.add_done_callback(self._left)
        if not hasattr(select, "epoll"):
            return
        socket = self._connection.transport.get_extra_info("socket")
        if socket is not None and socket.fileno() >= 0:
            self._poll = select.epoll(1)
            self._poll.register(socket.fileno(), select.EPOLLRDHUP)
            asyncio.get_running_loop().add_reader(self._poll.fileno(), self._left)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watch.remove_done_callback(self._left)
        self._watch.cancel()
        self._forget()
        if self._gone and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise ClientDisconnect from None

    def _left(self, _done: object = None) -> None:
        self._forget()
        if not self._gone:
            self._gone = True
            self._task.cancel()

    def _forget(self) -> None:
        if self._poll is not None:
            asyncio.get_running_loop().remove_reader(self._poll.fileno())
            self._poll.close()
            self._poll = None
