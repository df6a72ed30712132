"""The web application: which routes there are, and what errors become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect

from pi_edge.errors import PiEdgeError
from pi_edge.repository import Repository
from pi_edge.server import answers, inference_protocol, task_routes
from pi_edge.server.metrics import CountRequests, Metrics


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
    metrics = Metrics(repository, state)
    routes = [
        *inference_protocol.routes(repository, state, max_body),
        *task_routes.routes(repository, status, metrics, max_body),
    ]
    # One endpoint may have two patterns, with and without a version: they count as one.
    patterns = {route.endpoint: route.path for route in reversed(routes)}
    app = Starlette(
        routes=routes,
        middleware=[Middleware(CountRequests, metrics=metrics, patterns=patterns)],
        exception_handlers={
            PiEdgeError: answers.on_pi_edge_error,
            HTTPException: answers.on_http_error,
            ClientDisconnect: answers.on_disconnect,
            Exception: answers.on_unexpected_error,
        },
    )
    app.router.redirect_slashes = False
    return app
