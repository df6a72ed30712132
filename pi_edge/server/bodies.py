"""Request bodies: read within a limit, decompressed within the same limit."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from pi_edge.errors import BadInput, TooLarge

# Above this many bytes a thread compresses and decompresses, so that others need not wait.
_LARGE = 64 * 1024


class BodyRefused(TooLarge):
    """The body was over the limit before it was read to its end."""


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers, names in lower case; of repeated ones the last."""
    return dict(scope["headers"])


async def read(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The whole body, decompressed.

    Raises:
        BodyRefused: it says, or turns out, to have more than ``limit`` bytes.
        TooLarge: it unpacks to more.
        BadInput: it is not compressed the way it says.
        HTTPException: 415, compressed in an unknown way.
        ClientDisconnect: the client went away.
    """
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit():
        raise BadInput("Content-Length must be a whole number")
    if len(announced) > 18 or int(announced) > limit:
        raise _refused(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await _read_on(body, receive, limit)
    elif message["type"] == "http.disconnect":
        raise ClientDisconnect
    encoding = headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() != b"identity":
        if len(body) > _LARGE:
            return await asyncio.to_thread(decompress, body, encoding, limit)
        return decompress(body, encoding, limit)
    return body


async def _read_on(start: bytes, receive: Receive, limit: int) -> bytes:
    body = bytearray(start)
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limit:
            raise _refused(limit)
        more = message.get("more_body", False)
    return bytes(body)


def decompress(body: bytes, encoding: bytes, limit: int) -> bytes:
    """A body compressed with gzip (RFC 1952) or deflate (RFC 1950).

    Raises:
        TooLarge: it unpacks to more than ``limit`` bytes.
        BadInput: it is damaged.
        HTTPException: 415, an encoding other than these.
    """
    name = encoding.strip().lower().decode("latin-1")
    window = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(name)
    if window is None:
        raise HTTPException(415, f"Content-Encoding {name!r} is unknown: send gzip or deflate")
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadInput(f"the body is not valid {name}: {error}") from None
    if len(unpacked) > limit:
        raise TooLarge(f"the body unpacks to more than {limit} bytes (setting max_body)")
    if not unpacker.eof or unpacker.unused_data:
        raise BadInput(f"the body is not valid {name}: it is cut off or has something after it")
    return unpacked


async def compress(body: bytes, encoding: str) -> bytes:
    """``body`` as gzip or deflate, quickly rather than small."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31 if encoding == "gzip" else 15)

    def pack() -> bytes:
        return packer.compress(body) + packer.flush()

    return await asyncio.to_thread(pack) if len(body) > _LARGE else pack()


def _refused(limit: int) -> BodyRefused:
    return BodyRefused(f"the body is over the limit of {limit} bytes (setting max_body)")
