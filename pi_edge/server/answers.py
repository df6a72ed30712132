"""Answers as JSON, and what each error becomes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pi_edge.errors import PiEdgeError
from pi_edge.server.bodies import BodyRefused

# How long a client may go on sending a body that was refused.
LINGER_SECONDS = 5.0

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE

_process = secrets.token_hex(4)
_numbers = itertools.count(1)


def new_id() -> str:
    """An id no other answer of this or an earlier process has."""
    return f"{_process}-{next(_numbers)}"


def to_json(answer: Any) -> bytes:
    """One line of JSON; NumPy arrays are written as they are, NaN and infinity as null."""
    return orjson.dumps(answer, option=_OPTIONS)


def error_json(message: str) -> bytes:
    """``{"error": message}``, on one line."""
    text = " ".join(message.split()).encode(errors="replace").decode()
    return orjson.dumps({"error": text}) + b"\n"


class Json(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return to_json(content)


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """``{"error": message}`` with an HTTP status."""
    return Response(error_json(message), status, headers, "application/json")


class LastAnswer(Response):
    """An answer given before the body was read. The connection cannot be used again.

    Closing it at once would throw away what the client has yet to read, were it still sending
    (RFC 9112, 9.6): so what it sends is read and dropped for a while.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["connection"] = "close"
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while (await receive()).get("more_body"):
                    pass
        await send({"type": "http.response.body"})


async def on_pi_edge_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PiEdgeError)
    if isinstance(error, BodyRefused):
        return LastAnswer(error_json(str(error)), error.status, media_type="application/json")
    return error_response(error.status, str(error))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own: no such route, wrong method."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    message = error.detail
    if error.status_code == 404:
        message = f"there is nothing at {request.url.path}: see / for what there is"
    elif error.status_code == 405:
        message = f"{request.url.path} does not take {request.method}: use {headers.get('Allow')}"
    return error_response(error.status_code, message, headers)


async def on_disconnect(request: Request, error: Exception) -> Response:
    """The client went away: nobody will read this."""
    return error_response(400, "the body ended early")


async def on_unexpected_error(request: Request, error: Exception) -> Response:
    """A mistake of ours. Starlette raises it again, and uvicorn logs its traceback."""
    return error_response(500, f"pi-edge made a mistake: {type(error).__name__}; see its log")
