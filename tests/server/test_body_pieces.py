"""Bodies read piece by piece."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pi_edge.errors import BadInput, TooLarge
from pi_edge.server import bodies

LIMIT = 100_000


def read(
    pieces: list[bytes | None], headers: dict[bytes, bytes] | None = None, patience: float = 60
) -> bytes:
    """The body that comes of network pieces; None stands for a client that goes away, and after
    the last piece, unless it is empty, nothing comes any more."""
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        piece = left.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": piece != b""}

    async def collect() -> bytes:
        stream = bodies.pieces(headers or {}, receive, LIMIT, patience)  # type: ignore[arg-type]
        return b"".join([piece async for piece in stream])

    return asyncio.run(collect())


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
    ],
)
def test_the_body_comes_out_whole(encoding: str, pack: Any) -> None:
    body = bytes(range(256)) * 300
    packed = pack(body)
    pieces = [packed[at : at + 1000] for at in range(0, len(packed), 1000)]
    assert read([*pieces, b""], {b"content-encoding": encoding.encode()}) == body


def test_no_more_than_the_limit_is_taken() -> None:
    with pytest.raises(bodies.BodyRefused):
        read([bytes(LIMIT), b"x", b""])
    with pytest.raises(bodies.BodyRefused):
        read([], {b"content-length": str(LIMIT + 1).encode()})
    with pytest.raises(TooLarge, match="unpacks"):
        read([gzip.compress(bytes(LIMIT + 1)), b""], {b"content-encoding": b"gzip"})


@pytest.mark.parametrize(
    "packed", [gzip.compress(b"x" * 99, mtime=0)[:-5], gzip.compress(b"x", mtime=0) + b"y", b"x"]
)
def test_damaged_gzip_is_refused(packed: bytes) -> None:
    with pytest.raises(BadInput, match="not valid gzip"):
        read([packed, b""], {b"content-encoding": b"gzip"})


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(HTTPException) as raised:
        read([b"x", b""], {b"content-encoding": b"br"})
    assert raised.value.status_code == 415


def test_a_client_that_sends_nothing_is_told_so() -> None:
    with pytest.raises(HTTPException) as raised:
        read([b"x"], patience=0.01)
    assert raised.value.status_code == 408


def test_a_client_that_went_away_is_told_apart() -> None:
    with pytest.raises(ClientDisconnect):
        read([b"x", None])
