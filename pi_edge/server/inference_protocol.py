"""The Open Inference Protocol v2 around inference itself (infer.py): health, metadata,
configuration, statistics, and the model repository extension.

A variant is a version; without a version the model's default variant answers. What the
specification leaves open follows Triton's extensions, so that its clients work unmodified.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pi_edge import __version__, nearest
from pi_edge.datatypes import name_of
from pi_edge.errors import BadInput, NotFound
from pi_edge.handle import Handle
from pi_edge.model import TensorSpec
from pi_edge.model_status import ModelStatus, Variant
from pi_edge.repository import Repository
from pi_edge.server import bodies
from pi_edge.server.answers import Json
from pi_edge.server.bodies import Room
from pi_edge.server.infer import Infer, labels, optional, read_json

EXTENSIONS = [
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "model_repository(unload_dependents)",
    "statistics",
]

# States of the repository index, as Triton names them.
_INDEX_STATES = {"ready": "READY", "probing": "LOADING", "loading": "LOADING"}

# The configuration's names of types are the protocol's, but for text.
_CONFIG_TYPES = {"BYTES": "TYPE_STRING"}


def routes(repository: Repository, state: Callable[[], str], room: Room) -> list[Route]:
    """The routes; ``state`` tells the daemon's state."""
    api = _Api(repository, state, room)
    infer = Infer(repository, room)
    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    return [
        Route(f"{model}/infer", infer, methods=["POST"]),
        Route(f"{version}/infer", infer, methods=["POST"]),
        Route("/v2", api.server),
        Route("/v2/health/live", api.live),
        Route("/v2/health/ready", api.ready),
        Route("/v2/models/stats", api.statistics),
        Route(model, api.metadata),
        Route(version, api.metadata),
        Route(f"{model}/ready", api.model_ready),
        Route(f"{version}/ready", api.model_ready),
        Route(f"{model}/config", api.config),
        Route(f"{version}/config", api.config),
        Route(f"{model}/stats", api.statistics),
        Route(f"{version}/stats", api.statistics),
        Route("/v2/repository/index", api.index, methods=["POST"]),
        Route("/v2/repository/models/{name}/load", api.load, methods=["POST"]),
        Route("/v2/repository/models/{name}/unload", api.unload, methods=["POST"]),
    ]


class _Api:
    def __init__(self, repository: Repository, state: Callable[[], str], room: Room) -> None:
        self._repository, self._state, self._room = repository, state, room

    async def server(self, request: Request) -> Response:
        return Json({"name": "pi-edge", "version": __version__, "extensions": EXTENSIONS})

    async def live(self, request: Request) -> Response:
        return Json({"live": True})

    async def ready(self, request: Request) -> Response:
        ready = self._state() in ("ready", "degraded") and not self._overloaded()
        return Json({"ready": ready}, 200 if ready else 503)

    async def model_ready(self, request: Request) -> Response:
        name = request.path_params["name"]
        handle = self._repository.handle(name, request.path_params.get("version", ""))
        return Json({"name": name, "version": handle.version, "ready": True})

    async def metadata(self, request: Request) -> Response:
        status, handle = self._asked(request)
        return Json(
            {
                "name": handle.name,
                "versions": list(status.variants),
                "platform": "tensorflow_lite",
                "inputs": [_metadata(spec) for spec in handle.inputs],
                "outputs": [_metadata(spec) for spec in handle.outputs],
                "parameters": {"task": status.entry.task, "default_version": status.entry.default},
            }
        )

    async def config(self, request: Request) -> Response:
        status, handle = self._asked(request)
        return Json(
            {
                "name": handle.name,
                "platform": "tensorflow_lite",
                "backend": "tensorflow_lite",
                "version_policy": {"all": {}},
                "max_batch_size": 0,  # the shapes below are whole, a batch's axis included
                "input": [_config(spec) for spec in handle.inputs],
                "output": [_config(spec) for spec in handle.outputs],
                "default_model_filename": status.entry.files[handle.version].name,
                "parameters": {
                    "task": {"string_value": status.entry.task},
                    "labels": {"string_value": ",".join(labels(status))},
                },
            }
        )

    async def statistics(self, request: Request) -> Response:
        name, version = request.path_params.get("name"), request.path_params.get("version")
        if name is not None:
            status = self._repository.model(name)
            if version is not None and version not in status.variants:
                others = nearest.instead(version, status.variants, "it has")
                raise NotFound(f"{name} has no variant {version!r}{others}")
        return Json(
            {
                "model_stats": [
                    _statistics(variant.handle)
                    for model, variant_name, variant in self._variants()
                    if variant.handle and name in (None, model) and version in (None, variant_name)
                ]
            }
        )

    async def index(self, request: Request) -> Response:
        body = await self._body(request)
        only_ready = optional(body, "ready", False)
        rows = [
            {
                "name": model,
                "version": version,
                "state": _INDEX_STATES.get(variant.state, "UNAVAILABLE"),
                "reason": variant.reason or ("unloaded" if variant.state == "unloaded" else ""),
            }
            for model, version, variant in self._variants()
        ]
        rows += [
            {"name": name, "version": "", "state": "UNAVAILABLE", "reason": status.problem}
            for name, status in self._repository.models().items()
            if status.problem
        ]
        return Json([row for row in rows if row["state"] == "READY" or not only_ready])

    async def load(self, request: Request) -> Response:
        body = await self._body(request)
        parameters: dict[str, Any] = optional(body, "parameters", {})
        if parameters:
            raise BadInput(
                "models are loaded as they lie in the models folder:"
                f" {', '.join(map(str, parameters))} cannot be given"
            )
        await asyncio.to_thread(self._repository.load, request.path_params["name"])
        return Response(status_code=200)

    async def unload(self, request: Request) -> Response:
        await self._body(request)
        await asyncio.to_thread(self._repository.unload, request.path_params["name"])
        return Response(status_code=200)

    def _asked(self, request: Request) -> tuple[ModelStatus, Handle]:
        status = self._repository.model(request.path_params["name"])
        return status, status.handle(request.path_params.get("version", ""))

    def _overloaded(self) -> bool:
        return any(v.handle and v.handle.overloaded for _, _, v in self._variants())

    def _variants(self) -> Iterator[tuple[str, str, Variant]]:
        for name, status in self._repository.models().items():
            for version, variant in status.variants.items():
                yield name, version, variant

    async def _body(self, request: Request) -> dict[str, Any]:
        """The request's JSON object; none is as good as an empty one."""
        headers = bodies.headers_of(request.scope)
        body = await bodies.read(request.scope, headers, request.receive, self._room)
        return read_json(body) if body else {}


def _metadata(spec: TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "datatype": name_of(spec.dtype), "shape": spec.shape}


def _config(spec: TensorSpec) -> dict[str, Any]:
    name = name_of(spec.dtype)
    data_type = _CONFIG_TYPES.get(name, f"TYPE_{name}")
    return {"name": spec.name, "data_type": data_type, "dims": spec.shape}


def _statistics(handle: Handle) -> dict[str, Any]:
    """One entry of Triton's statistics extension; only what is measured here."""
    counts = handle.statistics()
    return {
        "name": handle.name,
        "version": handle.version,
        "last_inference": counts.last_ms,
        "inference_count": counts.success,
        "execution_count": counts.success,
        "inference_stats": {
            "success": {"count": counts.success, "ns": counts.success_ns},
            "fail": {"count": counts.fail, "ns": counts.fail_ns},
            "queue": {"count": counts.success, "ns": counts.queue_ns},
            "compute_infer": {"count": counts.success, "ns": counts.compute_ns},
        },
        "batch_stats": [],
    }
