"""Request bodies: read within a limit, decompressed within the same limit; whole or in pieces."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from pi_edge.errors import BadInput, Overloaded, TooLarge
from pi_edge.server import asked
from pi_edge.server.asked import Asked

# Above this many bytes a thread compresses and decompresses, so that others need not wait.
_LARGE = 64 * 1024


class BodyRefused(TooLarge):
    """The body was over the limit before it was read to its end."""


class Crowded(Overloaded):
    """There was no room for the body beside those of other requests."""


class Room:
    """What bodies that are held whole may take. Those of up to 64 KiB are not counted: there can
    be no more of them than connections.

    Args:
        limit: bytes of one body, compressed or not.
        memory: bytes of all of them together; never less than ``limit``.
    """

    def __init__(self, limit: int, memory: int) -> None:
        self.limit = limit
        self._size = self._free = max(memory, limit)

    @property
    def taken(self) -> int:
        """Bytes that bodies take now."""
        return self._size - self._free

    def take(self, about: Asked, size: int) -> None:
        """Let a request's body grow to ``size`` bytes.

        Raises:
            Crowded: the others leave no room for that.
        """
        more = size - about.held
        if size <= _LARGE or more <= 0:
            return
        if more > self._free:
            raise Crowded("other requests' bodies take all room there is: come again", 1)
        self._free -= more
        about.held = size

    def leave(self, about: Asked) -> None:
        """The request is over."""
        self._free += about.held
        about.held = 0


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers, names in lower case; of repeated ones the last."""
    return dict(scope["headers"])


def check_announced(headers: Mapping[bytes, bytes], limit: int) -> None:
    """Refuse a body by what its head says of its length.

    Raises:
        BodyRefused: it is over the limit.
        BadInput: that is no length.
    """
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit():
        raise BadInput("Content-Length must be a whole number")
    if len(announced) > 18 or int(announced) > limit:
        raise _refused(limit)


async def read(scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, room: Room) -> bytes:
    """The whole body, decompressed. It has its room until the request is over.

    Raises:
        BodyRefused: it says, or turns out, to have more bytes than one body may.
        TooLarge: it unpacks to more.
        Crowded: there is no room for it beside others.
        BadInput: it is not compressed the way it says.
        HTTPException: 415, compressed in an unknown way.
        ClientDisconnect: the client went away.
    """
    check_announced(headers, room.limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _read_on(body, receive, room, asked.of(scope))
    elif message["type"] == "http.disconnect":
        raise ClientDisconnect
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        if len(body) > _LARGE:
            body = await asyncio.to_thread(decompress, body, encoding, room.limit)
        else:
            body = decompress(body, encoding, room.limit)
        room.take(asked.of(scope), len(body))
    return body


async def _read_on(start: bytes, receive: Receive, room: Room, about: Asked) -> bytes:
    body = bytearray(start)
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > room.limit:
            raise _refused(room.limit)
        room.take(about, len(body))
        more = message.get("more_body", False)
    return bytes(body)


async def pieces(
    headers: Mapping[bytes, bytes], receive: Receive, limit: int, patience: float
) -> AsyncIterator[bytes]:
    """The body as it comes in, decompressed; what is not asked for yet is left to the network.

    Args:
        patience: seconds that the client has for each 64 KiB.

    Raises:
        HTTPException: 408, the client is too slow; or 415, as ``read``.
        BodyRefused, TooLarge, BadInput, ClientDisconnect: as ``read``.
    """
    check_announced(headers, limit)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    unpack = None if encoding == b"identity" else _Unpacker(encoding, limit)
    loop = asyncio.get_running_loop()
    total, recent, left, more = 0, 0, patience, True
    while more:
        begin = loop.time()
        try:
            async with asyncio.timeout(left):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                408,
                f"nothing, or too little, of the body has come for {patience:g} s: send it again",
                {"Connection": "close"},
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        total, recent = total + len(body), recent + len(body)
        left -= loop.time() - begin
        if recent >= _LARGE:
            recent, left = 0, patience
        if total > limit:
            raise _refused(limit)
        if unpack is None:
            yield body
        else:
            for piece in unpack.pieces(body):
                yield piece
    if unpack is not None:
        unpack.finish()


class _Unpacker:
    """Undoes gzip or deflate as it comes in."""

    def __init__(self, encoding: bytes, limit: int) -> None:
        self._name, window = _window(encoding)
        self._limit, self._total = limit, 0
        self._unpacker = zlib.decompressobj(window)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data:
            try:
                piece = self._unpacker.decompress(data, _LARGE)
            except zlib.error as error:
                raise BadInput(f"the body is not valid {self._name}: {error}") from None
            self._total += len(piece)
            if self._total > self._limit:
                raise _unpacks_to_more(self._limit)
            if self._unpacker.unused_data:
                raise _not_whole(self._name)
            data = self._unpacker.unconsumed_tail
            yield piece

    def finish(self) -> None:
        if not self._unpacker.eof:
            raise _not_whole(self._name)


def decompress(body: bytes, encoding: bytes, limit: int) -> bytes:
    """A body compressed with gzip (RFC 1952) or deflate (RFC 1950).

    Raises:
        TooLarge: it unpacks to more than ``limit`` bytes.
        BadInput: it is damaged.
        HTTPException: 415, an encoding other than these.
    """
    name, window = _window(encoding)
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadInput(f"the body is not valid {name}: {error}") from None
    if len(unpacked) > limit:
        raise _unpacks_to_more(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise _not_whole(name)
    return unpacked


def _window(encoding: bytes) -> tuple[str, int]:
    """Name of a Content-Encoding, and what zlib calls it."""
    name = encoding.strip().lower().decode("latin-1")
    window = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(name)
    if window is None:
        raise HTTPException(415, f"Content-Encoding {name!r} is unknown: send gzip or deflate")
    return name, window


async def compress(body: bytes, encoding: str) -> bytes:
    """``body`` as gzip or deflate, quickly rather than small."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31 if encoding == "gzip" else 15)

    def pack() -> bytes:
        return packer.compress(body) + packer.flush()

    return await asyncio.to_thread(pack) if len(body) > _LARGE else pack()


def _refused(limit: int) -> BodyRefused:
    return BodyRefused(f"the body is over the limit of {limit} bytes (setting max_body)")


def _unpacks_to_more(limit: int) -> TooLarge:
    return TooLarge(f"the body unpacks to more than {limit} bytes (setting max_body)")


def _not_whole(name: str) -> BadInput:
    return BadInput(f"the body is not valid {name}: it is cut off or has something after it")
