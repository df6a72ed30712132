"""Answers as JSON, and what each error becomes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pi_edge.errors import BadInput, PiEdgeError, Unavailable
from pi_edge.server import asked
from pi_edge.server.bodies import BodyRefused, Crowded

OnResult = Callable[[str, Mapping[str, Any]], None]
"""Told of a task, and of what it answered, or, where that is a picture, what was done. Must return
at once."""

# How long a client may go on sending a body that was refused.
LINGER_SECONDS = 5.0

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE

# What /metrics calls errors that come from Starlette or bear headers; every other is bad input.
_KINDS = {404: "not_found", 408: "slow_client", 503: "overloaded"}


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

    kind = "refused"

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


def _retry_after(error: PiEdgeError) -> dict[str, str] | None:
    seconds = getattr(error, "retry_after", None)
    return None if seconds is None else {"retry-after": str(seconds)}


def kind_of(error: Exception) -> str:
    """What /metrics counts an error under."""
    if isinstance(error, PiEdgeError):
        return error.kind
    if isinstance(error, HTTPException):
        return _KINDS.get(error.status_code, BadInput.kind)
    return "mistake"


def is_logged(error: Exception) -> bool:
    """Whether an error is the daemon's or a model's doing rather than the client's or the
    moment's."""
    if isinstance(error, PiEdgeError):
        return error.status >= 500 and error.status != Unavailable.status
    return not isinstance(error, HTTPException)


def to_error(scope: Scope, error: Exception) -> Response:
    """What to answer to a request that ended in ``error``. Of one that is logged it tells the
    request's id, for finding it in the log."""
    if isinstance(error, BodyRefused | Crowded | Refused):
        headers = error.headers if isinstance(error, Refused) else _retry_after(error)
        body = error_json(str(error))
        return LastAnswer(body, error.status, headers, media_type="application/json")
    if is_logged(error):
        status, told = 500, f"pi-edge made a mistake ({type(error).__name__}): see its log"
        if isinstance(error, PiEdgeError):
            status, told = error.status, str(error)
        identity = asked.of(scope).id
        return error_response(status, f"{told} (request {identity})", {"x-request-id": identity})
    if isinstance(error, PiEdgeError):
        return error_response(error.status, str(error), _retry_after(error))
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    message = error.detail
    if error.status_code == 404:
        message = f"there is nothing at {scope['path']}: see / for what there is"
    elif error.status_code == 405:
        message = f"{scope['path']} does not take {scope['method']}: use {headers.get('Allow')}"
    return error_response(error.status_code, message, headers)
