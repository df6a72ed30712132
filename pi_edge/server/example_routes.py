"""POST /tasks/digits/examples: what a picture would have been read as rightly."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pi_edge.errors import BadInput, NotFound, Unavailable
from pi_edge.examples import TASK, Digit, Examples
from pi_edge.repository import Repository
from pi_edge.server import asked
from pi_edge.server.answers import Json
from pi_edge.server.asked import Asked
from pi_edge.server.bodies import Room
from pi_edge.server.recent import Recent, Seen
from pi_edge.server.task_routes import asked_of, sent
from pi_edge.server.turns import Turns

# Bytes of a body that may name an answer; what has more is a picture.
_LARGE = 4096


def routes(
    repository: Repository, examples: Examples | None, recent: Recent, room: Room, turns: Turns
) -> list[Route]:
    """The route; without ``examples`` it keeps none."""
    api = _Api(repository, examples, recent, room, turns)
    return [Route(f"/tasks/{TASK}/examples", api.keep, methods=["POST"])]


class _Api:
    def __init__(
        self,
        repository: Repository,
        examples: Examples | None,
        recent: Recent,
        room: Room,
        turns: Turns,
    ) -> None:
        self._repository, self._examples = repository, examples
        self._recent, self._room, self._turns = recent, room, turns

    async def keep(self, request: Request) -> Response:
        about = asked.of(request.scope)
        body, content_type = await sent(request, self._room, f"/tasks/{TASK}/examples")
        work = partial(self._keep, about, body, content_type, request.query_params)
        return Json({"id": about.id, **await self._turns.take(work)}, 201)

    def _keep(
        self, about: Asked, body: bytes, content_type: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        if self._examples is None:
            raise Unavailable("no examples are kept here")
        named = _answer_named(body)
        label = _label(named.get("label") if named else query.get("label"))
        if named:
            seen = self._remembered(named["id"])
        else:
            from pi_edge.tasks import digits  # here, as all tasks: at the first request

            model = asked_of(self._repository, about, TASK, query)
            found = digits.find(digits.from_body(body, content_type), model.run)
            seen = Seen.of(model.handle.name, model.handle.version, found)
        if len(label) != len(seen.answered):
            raise BadInput(
                f"the label {_short(label)} is for {len(label)} digits and there are"
                f" {len(seen.answered)} in the picture: nothing was kept"
            )
        answered = "".join(map(str, seen.answered))
        kept = [
            Digit(picture, int(right), was)
            for picture, right, was in zip(seen.pictures, label, seen.answered, strict=True)
        ]
        ids = self._examples.add(seen.model, kept)
        told = {"model": seen.model, "variant": seen.variant}
        return {**told, "label": label, "answered": answered, "ids": ids}

    def _remembered(self, identity: Any) -> Seen:
        seen = self._recent.get(identity) if isinstance(identity, str) else None
        if seen is None:
            raise NotFound(
                f"no answer {_short(identity)} is remembered, only the latest are:"
                " send the picture itself, with ?label="
            )
        return seen


def _answer_named(body: bytes) -> dict[str, Any] | None:
    """The JSON that names an answer instead of being a picture; None for everything else."""
    if len(body) > _LARGE or body[:64].lstrip()[:1] != b"{":
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None  # which whoever reads it as a picture says
    named = isinstance(document, dict) and "id" in document and "pixels" not in document
    return document if named else None


def _label(label: Any) -> str:
    if label is None:
        raise BadInput('say what the picture shows: ?label=42, or "label" beside "id"')
    text = str(label) if isinstance(label, int) and 0 <= label < 10 else label
    if not isinstance(text, str) or not re.fullmatch("[0-9]+", text):
        raise BadInput(
            f"a label is the digits that the picture shows, 0 to 9 each, as in 42, not"
            f" {_short(label)}"
        )
    return text


def _short(value: Any) -> str:
    """Whatever a client sent, fit for a line."""
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
