"""Answers as JSON, and what each error becomes."""

from __future__ import annotations

import itertools
import logging
import secrets
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pi_edge.errors import PiEdgeError

logger = logging.getLogger("pi_edge")

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


def refusal(error: PiEdgeError) -> Response:
    """What to answer when ``error`` stopped a request."""
    return error_response(error.status, str(error))


def error_response(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """``{"error": message}`` with an HTTP status."""
    return Response(error_json(message), status, headers, "application/json")


async def on_pi_edge_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PiEdgeError)
    return refusal(error)


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


async def on_unexpected_error(request: Request, error: Exception) -> Response:
    """A mistake of ours. Starlette raises it again, and uvicorn logs its traceback."""
    return error_response(500, f"pi-edge made a mistake: {type(error).__name__}; see its log")
