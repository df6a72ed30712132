"""The web application: which routes there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from pi_edge.errors import PiEdgeError
from pi_edge.repository import Repository
from pi_edge.server import answers


def create_app(
    repository: Repository,
    state: Callable[[], str],
    status: Callable[[], dict[str, Any]],
    max_body: int,
) -> Starlette:
    """The application.

    Args:
        repository: the models it serves.
        state: the daemon's state.
        status: what /status says beside the models.
        max_body: largest request body in bytes, compressed or not.
    """

    async def show(request: Request) -> answers.Json:
        return answers.Json({**status()})

    return Starlette(
        routes=[Route("/status", show)],
        exception_handlers={
            PiEdgeError: answers.on_pi_edge_error,
            HTTPException: answers.on_http_error,
            Exception: answers.on_unexpected_error,
        },
    )
