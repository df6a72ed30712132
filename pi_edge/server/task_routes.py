"""Routes that speak of digits rather than tensors, and those about the daemon itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

import numpy as np
from starlette.datastructures import Headers, UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pi_edge import tasks
from pi_edge.errors import BadInput, Overloaded
from pi_edge.model_status import ModelStatus
from pi_edge.repository import Repository
from pi_edge.server import asked, bodies
from pi_edge.server.answers import Json
from pi_edge.server.asked import Asked
from pi_edge.server.bodies import Room
from pi_edge.server.infer import refuse_non_finite
from pi_edge.server.metrics import Metrics
from pi_edge.server.page import page

# Pictures unpacked at the same time; each may take a hundred megabytes for a moment.
_PICTURES = 2
# Bodies that may wait to be unpacked; each is in memory.
_WAITING = 64


def routes(
    repository: Repository,
    status: Callable[[], dict[str, Any]],
    metrics: Metrics,
    room: Room,
) -> list[Route]:
    """The routes; ``status`` tells what /status says beside the models."""
    api = _Api(repository, status, metrics, room)
    return [
        Route("/tasks/{task}", api.task, methods=["POST"]),
        Route("/status", api.status),
        Route("/metrics", api.metrics),
        Route("/", page),
    ]


class _Api:
    def __init__(
        self,
        repository: Repository,
        status: Callable[[], dict[str, Any]],
        metrics: Metrics,
        room: Room,
    ) -> None:
        self._repository, self._status, self._metrics = repository, status, metrics
        self._room = room
        self._waiting = 0
        self._threads = ThreadPoolExecutor(_PICTURES, thread_name_prefix="tasks")

    async def task(self, request: Request) -> Response:
        name = request.path_params["task"]
        if name not in tasks.names():
            tasks.get(name)  # raises, saying which tasks there are
        headers = bodies.headers_of(request.scope)
        body = await bodies.read(request.scope, headers, request.receive, self._room)
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        if content_type.lower().startswith("multipart/"):
            body, content_type = await form_file(body, content_type)
        if not body:
            raise BadInput(f"the body is empty: send what /tasks/{name} is to look at")
        if self._waiting >= _WAITING:
            raise Overloaded(f"{_WAITING} requests wait for their turn: come again", retry_after=1)
        self._waiting += 1
        about = asked.of(request.scope)
        work = partial(self._answer, about, name, body, content_type, request.query_params)
        try:
            # In this context, so that what is logged there is known to be about this request.
            answer = await asyncio.get_running_loop().run_in_executor(
                self._threads, copy_context().run, work
            )
        finally:
            self._waiting -= 1
        return Json({"id": about.id, **answer})

    def _answer(
        self, about: Asked, name: str, body: bytes, content_type: str, query: Mapping[str, str]
    ) -> dict[str, Any]:
        task = tasks.get(name)
        model = query.get("model") or task.DEFAULT_MODEL
        entry = self._repository.model(model).entry
        if entry.task != name:
            raise BadInput(f"the model {model} is for the task {entry.task!r}, not {name!r}")
        status, handle = about.find(self._repository, model, query.get("variant", ""))

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            refuse_non_finite(inputs)
            return handle.run(inputs)

        answer = task.answer(task.from_body(body, content_type), run, status.entry.info)
        return {"model": handle.name, "variant": handle.version, **answer}

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
