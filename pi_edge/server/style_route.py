"""POST /tasks/style: a photo in, the picture out, as a stream.

Photos are styled one at a time, each in a process of its own, so that the memory they take is
what one of them may take, and that whatever a decoder or a model does the daemon goes on. Neither
photo nor picture is ever held whole here. Whoever waits leaves the photo with the client.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, QueryParams
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from pi_edge.catalog import Entry
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.repository import Repository
from pi_edge.server import asked, bodies, connection
from pi_edge.server.answers import OnResult
from pi_edge.server.asked import Asked
from pi_edge.server.forms import FormFile
from pi_edge.server.line import Line
from pi_edge.server.styling_child import CHUNK, StylingChild
from pi_edge.tasks.style import choice, formats
from pi_edge.tasks.style.worker import Order

logger = logging.getLogger("pi_edge")

DEFAULT_MODEL = "style"

# Seconds a client has to send, and to take, each 64 KiB.
PATIENCE = 30.0

_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_SCALES = ("fine", "normal", "bold")


@dataclass(frozen=True)
class Settings:
    """Limits of styling; ``config.Config`` tells what each means."""

    memory: int = 200
    queue: int = 4
    threads: int = 1


class StyleRoute:
    """The route as an ASGI application.

    Args:
        repository: the models.
        settings: its limits.
        max_body: largest request body in bytes.
        on_picture: called on the event loop after each picture.
        on_result: likewise, with what was done.
    """

    def __init__(
        self,
        repository: Repository,
        settings: Settings,
        max_body: int,
        on_picture: Callable[[], None] = lambda: None,
        on_result: OnResult = lambda task, answer: None,
    ) -> None:
        self._repository, self._settings, self._max_body = repository, settings, max_body
        self._on_picture, self._on_result = on_picture, on_result
        self.line = Line(settings.queue)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        about = asked.of(scope)
        query = QueryParams(scope["query_string"])
        order, told = self._order(about, query, headers.get("accept", ""))
        raw = bodies.headers_of(scope)
        bodies.check_announced(raw, self._max_body)
        form = _form(headers.get("content-type", ""))
        client = connection.of(scope)
        answer = _Answer(client, told, send)
        try:
            async with (
                connection.WhileConnected(client),
                self.line.turn(),
                StylingChild(order) as child,
            ):
                await _feed(child, bodies.pieces(raw, receive, self._max_body, PATIENCE), form)
                await answer.give(child)
        except ClientDisconnect:
            await client.abort()
            raise
        except PiEdgeError as error:
            if not answer.started:
                raise
            # Half a picture is out: the connection ends, so that nobody takes it for whole.
            about.kind = error.kind
            logger.warning("a picture was cut short: %s", error)
            await client.end(PATIENCE)
        else:
            self._on_picture()
            result = {"id": about.id, "model": about.model, "variant": about.variant}
            styles = query.get("styles") or query.get("style")
            self._on_result("style", {**result, "styles": styles, "strength": order.strength})

    def _order(self, about: Asked, query: QueryParams, accept: str) -> tuple[Order, dict[str, str]]:
        """What to do, and the headers that tell of it."""
        name = query.get("model") or DEFAULT_MODEL
        status = self._repository.model(name)
        if status.entry.task != "style" and not status.problem:
            raise BadInput(f"the model {name} is for the task {status.entry.task!r}, not 'style'")
        status, handle = about.find(self._repository, name, query.get("variant", ""))
        _, file = status.entry.file(handle.version)
        order = Order(
            folder=str(file.parent),
            variant=handle.version,
            style=_weights(query, status.entry),
            ending=formats.MEDIA_TYPES.get(formats.asked_for(accept), ""),
            max_memory=self._settings.memory,
            threads=self._settings.threads,
            strength=_strength(query.get("strength", "1")),
            preserve_color=_truth(query, "preserve_color"),
            scale=_scale(query.get("scale", "normal")),
            preview=_truth(query, "preview"),
        )
        told = {"x-request-id": about.id, "x-model": handle.name, "x-variant": handle.version}
        return order, told


class _Answer:
    """The picture on its way from the process to the client."""

    def __init__(self, client: connection.Connection, about: Mapping[str, str], send: Send) -> None:
        self._client, self._about, self._send = client, about, send
        self.started = False

    async def give(self, child: StylingChild) -> None:
        """Send what comes out of ``child``.

        Raises:
            PiEdgeError: it failed, maybe with the answer ``started``.
            ClientDisconnect: the client takes too little of it.
        """
        # What fails within the first 64 KiB, or with a small picture at all, gets a clean answer.
        start = bytearray()
        while len(start) < CHUNK and (data := await child.read()):
            start += data
        whole = len(start) < CHUNK
        headers = {"content-type": formats.of(bytes(start[: formats.HEAD])), **self._about}
        if whole:
            await child.check()
            headers["content-length"] = str(len(start))
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        self.started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": encoded})
        await self._out(bytes(start), more=not whole)
        if whole:
            return
        while data := await child.read():
            await self._out(data, more=True)
        await child.check()
        await self._out(b"", more=False)

    async def _out(self, data: bytes, more: bool) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._send({"type": "http.response.body", "body": data, "more_body": more})
        except TimeoutError:
            logger.warning("a client that took no more of its picture was sent away")
            raise ClientDisconnect from None


async def _feed(child: StylingChild, body: AsyncIterator[bytes], form: FormFile | None) -> None:
    """Hand the photo in a request's body to the process.

    Raises:
        BadInput: there is none.
    """
    empty = True
    async for piece in body:
        data = form.feed(piece) if form else piece
        empty = empty and not data
        await child.feed(data)
    if form:
        form.finish()
    if empty:
        raise BadInput("the body is empty: send a photo")
    child.feed_end()


def _form(content_type: str) -> FormFile | None:
    return FormFile(content_type) if content_type.lower().startswith("multipart/") else None


def _weights(query: QueryParams, entry: Entry) -> list[float]:
    style, styles = query.get("style"), query.get("styles")
    known = entry.info.get("styles", [])
    if style and styles:
        raise BadInput("name one style or a mix of styles, not both")
    if not style and not styles:
        raise BadInput(f"name a style: ?style=NAME with one of {', '.join(known)}")
    mix = choice.parse(styles) if styles else {style or "": 1.0}
    return [float(weight) for weight in choice.weights(mix, known)]


def _strength(text: str) -> float:
    try:
        strength = float(text)
    except ValueError:
        strength = math.nan
    if not 0 <= strength <= 1:
        raise BadInput(f"strength must be a number from 0 to 1, not {text!r}")
    return strength


def _truth(query: QueryParams, name: str) -> bool:
    text = query.get(name, "").lower()
    if text not in _WORDS:
        raise BadInput(f"{name} must be true or false, not {text!r}")
    return _WORDS[text]


def _scale(text: str) -> str:
    if text not in _SCALES:
        raise BadInput(f"scale must be one of {', '.join(_SCALES)}, not {text!r}")
    return text
