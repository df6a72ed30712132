"""The web application: which routes there are, what errors become, and the counting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pi_edge import trace
from pi_edge.access_token import Token
from pi_edge.errors import PiEdgeError
from pi_edge.examples import Examples
from pi_edge.repository import Repository
from pi_edge.server import (
    answers,
    example_routes,
    inference_protocol,
    openapi,
    style_route,
    task_routes,
)
from pi_edge.server.answers import OnResult
from pi_edge.server.asked import Asked
from pi_edge.server.authorization import TokenDemanded
from pi_edge.server.bodies import Room
from pi_edge.server.gate import Gate, preflight, readable_by
from pi_edge.server.metrics import Metrics
from pi_edge.server.recent import Recent
from pi_edge.server.turns import Turns

logger = logging.getLogger("pi_edge")

_DEFAULTS = style_route.Settings()


class Application:
    """Starlette's routes behind one wrapper, which makes every error one line of JSON and counts
    every request. (Starlette's own three layers would do the same at twice the cost.)

    Args:
        repository: the models it serves.
        state: the daemon's state.
        status: what /status says beside the models; called on a thread.
        room: what request bodies may take.
        styling: limits of styling photos.
        on_picture: called on the event loop after each photo styled.
        token: what clients must show; None lets everybody in.
        gate: refuses what comes from other hosts and sites; None lets all of it in.
        examples: where digits put right are kept; None keeps none.
        on_result: called on the event loop with a task and what it answered, or in the case of
            style what was done.
    """

    def __init__(
        self,
        repository: Repository,
        state: Callable[[], str],
        status: Callable[[], dict[str, Any]],
        room: Room,
        styling: style_route.Settings = _DEFAULTS,
        on_picture: Callable[[], None] = lambda: None,
        token: Token | None = None,
        gate: Gate | None = None,
        examples: Examples | None = None,
        on_result: OnResult = lambda task, answer: None,
    ) -> None:
        style = style_route.StyleRoute(repository, styling, room.limit, on_picture, on_result)
        self._line = style.line
        self._metrics = Metrics(repository, state, self._line, room, status)
        turns, recent = Turns(), Recent()
        routes = [
            *inference_protocol.routes(repository, state, room),
            Route("/tasks/style", style, methods=["POST"]),
            *task_routes.routes(repository, status, self._metrics, room, turns, recent, on_result),
            *example_routes.routes(repository, examples, recent, room, turns),
            Route("/openapi.json", openapi.serve),
        ]
        self._router: ASGIApp = Router(routes, redirect_slashes=False)
        if token:
            self._router = TokenDemanded(self._router, token)
        self._gate, self._room = gate, room
        # One endpoint may have two patterns, with and without a version: they count as one.
        self._patterns: dict[Any, str] = {route.endpoint: route.path for route in reversed(routes)}

    def stop(self, seconds: float) -> None:
        """Take no more photos to style; one under way has so many seconds to be finished."""
        self._line.stop(seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = time.perf_counter_ns()
        statuses: list[int] = []
        origin = b""
        scope["app"] = self  # tells Starlette's router to raise errors, not to answer itself
        scope["asked"] = asked = Asked(scope["headers"])
        trace.begin(asked)

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                if origin:
                    message["headers"] = [*message["headers"], *readable_by(origin)]
            await send(message)

        try:
            if self._gate:
                origin = self._gate.check(scope)
            answer = preflight(scope) if origin else None
            await (answer or self._router)(scope, receive, watch)
        except ClientDisconnect:
            asked.kind = "client_gone"  # nobody is left to be told
        except Exception as error:
            asked.kind = answers.kind_of(error)
            if statuses:
                raise  # half an answer is out: all that can be done is to close the connection
            if answers.is_logged(error):
                _log(scope, error)
            await answers.to_error(scope, error)(scope, receive, watch)
        finally:
            if asked.held:
                self._room.leave(asked)
            # Made-up paths count as one: nobody shall fill the memory with them.
            route = self._patterns.get(scope.get("endpoint"), "none")
            status = statuses[0] if statuses else 499  # the client went away
            self._metrics.count(route, status, time.perf_counter_ns() - begin, asked)


def _log(scope: Scope, error: Exception) -> None:
    if isinstance(error, PiEdgeError):
        logger.warning("%s %s: %s", scope["method"], scope["path"], " ".join(str(error).split()))
    else:
        logger.error("%s %s", scope["method"], scope["path"], exc_info=error)
