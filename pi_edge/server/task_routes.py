"""Routes that speak of digits rather than tensors, and those about the daemon itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from starlette.datastructures import Headers, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pi_edge import examples, tasks
from pi_edge.errors import BadInput
from pi_edge.handle import Handle
from pi_edge.model_status import ModelStatus
from pi_edge.repository import Repository
from pi_edge.server import asked, bodies, page
from pi_edge.server.answers import Json, OnResult
from pi_edge.server.asked import Asked
from pi_edge.server.bodies import Room
from pi_edge.server.infer import refuse_non_finite
from pi_edge.server.metrics import Metrics
from pi_edge.server.recent import Recent, Seen
from pi_edge.server.turns import Turns


@dataclass(frozen=True)
class Model:
    """The model that a task is asked of."""

    handle: Handle
    about: Mapping[str, Any]
    """Its model.json."""

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What it answers."""
        refuse_non_finite(inputs)
        return self.handle.run(inputs)


def routes(
    repository: Repository,
    status: Callable[[], dict[str, Any]],
    metrics: Metrics,
    room: Room,
    turns: Turns,
    recent: Recent,
    on_result: OnResult = lambda task, answer: None,
) -> list[Route]:
    """The routes; ``status`` tells what /status says beside the models, ``recent`` remembers what
    digits were seen, ``on_result`` is told on the event loop of what tasks answer."""
    api = _Api(repository, status, metrics, room, turns, recent, on_result)
    return [
        Route("/tasks/{task}", api.task, methods=["POST"]),
        Route("/status", api.status),
        Route("/metrics", api.metrics),
        Route("/page/{file}", page.file),
        Route("/", page.page),
    ]


class _Api:
    def __init__(
        self,
        repository: Repository,
        status: Callable[[], dict[str, Any]],
        metrics: Metrics,
        room: Room,
        turns: Turns,
        recent: Recent,
        on_result: OnResult,
    ) -> None:
        self._repository, self._status, self._metrics = repository, status, metrics
        self._room, self._turns, self._recent = room, turns, recent
        self._on_result = on_result

    async def task(self, request: Request) -> Response:
        name = request.path_params["task"]
        if name not in tasks.names():
            tasks.get(name)  # raises, saying which tasks there are
        body, content_type = await sent(request, self._room, f"/tasks/{name}")
        about = asked.of(request.scope)
        work = partial(self._answer, about, name, body, content_type, request.query_params)
        answer = {"id": about.id, **await self._turns.take(work)}
        self._on_result(name, answer)
        return Json(answer)

    def _answer(
        self, about: Asked, name: str, body: bytes, content_type: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        task = tasks.get(name)
        model = asked_of(self._repository, about, name, query)
        handle = model.handle
        told = {"model": handle.name, "variant": handle.version}
        if name == examples.TASK:
            from pi_edge.tasks import digits  # here, as all tasks: at the first request

            found = digits.find(digits.from_body(body, content_type), model.run)
            self._recent.keep(about.id, Seen.of(handle.name, handle.version, found))
            return {**told, **digits.tell(found)}
        return {**told, **task.answer(task.from_body(body, content_type), model.run, model.about)}

    async def status(self, request: Request) -> Response:
        # In a thread: asking a machine for its temperature can take a moment.
        status = await asyncio.to_thread(self._status)
        models = {name: describe(model) for name, model in self._repository.models().items()}
        return Json({**status, "models": models})

    async def metrics(self, request: Request) -> Response:
        # In a thread, for the same reason; and on a small board the text is not written at once.
        text, content_type = await asyncio.to_thread(self._metrics.text)
        return Response(text, headers={"content-type": content_type})


def describe(model: ModelStatus) -> dict[str, Any]:
    """What /status says of a model."""
    variants = {}
    for name, variant in model.variants.items():
        variants[name] = {"state": variant.state}
        if variant.reason:
            variants[name]["reason"] = variant.reason
    styles = {"styles": model.entry.info.get("styles", [])} if model.entry.task == "style" else {}
    return {
        "state": model.state,
        "task": model.entry.task,
        **styles,
        "default": model.entry.default,
        "variants": variants,
        "reason": model.reason,
    }


async def sent(request: Request, room: Room, path: str) -> tuple[bytes, str]:
    """The body, or the file in it where it is a form, and its content type.

    Raises:
        BadInput: it is empty, or a form without such a file.
        PiEdgeError, HTTPException, ClientDisconnect: as `bodies.read`.
    """
    headers = bodies.headers_of(request.scope)
    body = await bodies.read(request.scope, headers, request.receive, room)
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    if content_type.lower().startswith("multipart/"):
        body, content_type = await form_file(body, content_type)
    if not body:
        raise BadInput(f"the body is empty: send what {path} is to look at")
    return body, content_type


def asked_of(repository: Repository, about: Asked, task: str, query: Mapping[str, str]) -> Model:
    """The model that a request to a task names, or the task's own.

    Raises:
        BadInput: it is for another task.
        NotFound, Unavailable: there is no such model, or it cannot answer now.
    """
    name = query.get("model") or tasks.get(task).DEFAULT_MODEL
    entry = repository.model(name).entry
    if entry.task != task:
        raise BadInput(f"the model {name} is for the task {entry.task!r}, not {task!r}")
    status, handle = about.find(repository, name, query.get("variant", ""))
    return Model(handle, status.entry.info)


async def form_file(body: bytes, content_type: str) -> tuple[bytes, str]:
    """Contents and content type of the file in a multipart form (RFC 7578).

    It is the field "image", or "file" for what is none.

    Raises:
        BadInput: it is no such form, or has no file in that field.
    """
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(
        Headers({"content-type": content_type}), stream(), max_files=10, max_fields=10
    )
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:  # ValueError: a charset that is none
        reason = getattr(error, "message", str(error))
        raise BadInput(f"the form cannot be read: {reason}") from None
    try:
        field = form.get("image") or form.get("file")
        if not isinstance(field, UploadFile):
            raise BadInput('the form has no file in a field "image" or "file"')
        return await field.read(), field.content_type or ""
    finally:
        await form.close()
