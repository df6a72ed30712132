"""Answers as JSON, and what each error becomes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
from typing import Any

import orjson
from starlette.exceptions import HTTPException
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


class Refused(PiEdgeError):
    """What is refused by its head, before any of the body is looked at.

    Args:
        status: of HTTP.
        headers: further ones of the answer.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


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


def to_error(scope: Scope, error: Exception) -> Response:
    """What to answer to a request that ended in ``error``."""
    if isinstance(error, BodyRefused):
        return LastAnswer(error_json(str(error)), error.status, media_type="application/json")
    if isinstance(error, Refused):
        body = error_json(str(error))
        return LastAnswer(body, error.status, error.headers, media_type="application/json")
    if isinstance(error, PiEdgeError):
        return error_response(error.status, str(error))
    if not isinstance(error, HTTPException):
        return error_response(500, f"pi-edge made a mistake ({type(error).__name__}): see its log")
    headers = dict(error.headers or {})
    message = error.detail
    if error.status_code == 404:
        message = f"there is nothing at {scope['path']}: see / for what there is"
    elif error.status_code == 405:
        message = f"{scope['path']} does not take {scope['method']}: use {headers.get('Allow')}"
    return error_response(error.status_code, message, headers)
