"""POST /v2/models/NAME[/versions/V]/infer: the route that speed is about.

A bare ASGI application, so that nothing stands between the server and the tensors.
https://github.com/open-inference/open-inference-protocol and, for tensors outside the JSON,
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import orjson
from starlette.types import Receive, Scope, Send

from pi_edge.datatypes import name_of
from pi_edge.errors import BadInput
from pi_edge.model_status import ModelStatus
from pi_edge.repository import Repository
from pi_edge.server import answers, asked, bodies, tensors
from pi_edge.server.bodies import Room

# Shorter answers are not worth compressing, even where the client would take it.
_COMPRESS_FROM = 1024

_TYPES = {bool: "true or false", int: "a number", str: "a string", dict: "an object"}

T = TypeVar("T")


class Wanted(NamedTuple):
    """An output asked for: as raw bytes instead of JSON, as its largest classes."""

    name: str
    binary: bool
    classes: int


class InferRequest(NamedTuple):
    """A parsed request. ``outputs`` is empty where the client wants all of them."""

    id: str
    inputs: dict[str, np.ndarray]
    outputs: list[Wanted]
    binary: bool


class Infer:
    """The endpoint."""

    def __init__(self, repository: Repository, room: Room) -> None:
        self._repository, self._room = repository, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = bodies.headers_of(scope)
        body = await bodies.read(scope, headers, receive, self._room)
        name, version = scope["path_params"]["name"], scope["path_params"].get("version", "")
        about = asked.of(scope)
        status, handle = about.find(self._repository, name, version)
        request = parse(body, headers.get(b"inference-header-content-length"))
        if status.entry.task != "tensors":
            refuse_non_finite(request.inputs)
        outputs = await handle.infer(request.inputs)
        head: dict[str, Any] = {
            "model_name": name,
            "model_version": handle.version,
            "id": request.id or about.id,
        }
        json_size, answer = encode(head, request, outputs, labels(status))
        lines = [(b"content-type", b"application/json")]
        if json_size is not None:
            lines = [
                (b"content-type", b"application/octet-stream"),
                (b"inference-header-content-length", b"%d" % json_size),
            ]
        encoding = _encoding(headers.get(b"accept-encoding"), len(answer))
        if encoding:
            answer = await bodies.compress(answer, encoding)
            lines.append((b"content-encoding", encoding.encode()))
        lines.append((b"content-length", b"%d" % len(answer)))
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": answer})


def parse(body: bytes, header_length: bytes | None) -> InferRequest:
    """A request from its body.

    Args:
        body: JSON, then, where ``header_length`` is given, the inputs' raw bytes.
        header_length: Inference-Header-Content-Length, the JSON's size in bytes.

    Raises:
        BadInput: it does not follow the protocol.
    """
    json_size = len(body)
    if header_length is not None:
        if not header_length.isdigit() or int(header_length[:20]) > len(body):
            raise BadInput(
                "Inference-Header-Content-Length must be the JSON's size in bytes, at"
                f" most the body's {len(body)}"
            )
        json_size = int(header_length)
    document = read_json(body if json_size == len(body) else memoryview(body)[:json_size])
    listed = document.get("inputs")
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise BadInput('"inputs" must be a list of objects')
    inputs: dict[str, np.ndarray] = {}
    rest = memoryview(body)[json_size:]
    for item in listed:
        name = item.get("name")
        if not isinstance(name, str) or name in inputs:
            raise BadInput('each input needs a "name" of its own')
        size = _parameters(item, name).get("binary_data_size")
        if size is None:
            inputs[name] = tensors.from_json(
                name, item.get("datatype"), item.get("shape"), item.get("data")
            )
            continue
        if type(size) is not int or not 0 <= size <= len(rest):
            raise BadInput(
                f"binary_data_size of {name} must be a number of bytes, of which"
                f" {len(rest)} are left, not {tensors.brief(size)}"
            )
        inputs[name] = tensors.from_bytes(
            name, item.get("datatype"), item.get("shape"), rest[:size]
        )
        rest = rest[size:]
    if len(rest):
        raise BadInput(f"{len(rest)} bytes after the inputs belong to none of them")
    identity = optional(document, "id", "")
    parameters = _parameters(document, "the request")
    binary = optional(parameters, "binary_data_output", False)
    return InferRequest(identity, inputs, _wanted(document.get("outputs"), binary), binary)


def read_json(body: bytes | memoryview) -> dict[str, Any]:
    """A JSON object.

    Raises:
        BadInput: it is not JSON, or not an object.
    """
    if not len(body):
        raise BadInput("the body is empty: send JSON")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadInput("the body must be a JSON object")
    return document


def optional(item: Mapping[str, Any], key: str, default: T, of: str = "") -> T:
    """What is under a key, or ``default`` where it is missing or null.

    Raises:
        BadInput: it is of another type than ``default``.
    """
    value = item.get(key)
    if value is None:
        return default
    if type(value) is not type(default):
        raise BadInput(f'"{key}"{of} must be {_TYPES[type(default)]}, not {tensors.brief(value)}')
    return value


def refuse_non_finite(inputs: Mapping[str, np.ndarray]) -> None:
    """Refuse NaN and infinity, which no pixel or price is.

    Raises:
        BadInput: an input holds one.
    """
    for name, array in inputs.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise BadInput(f"input {name} holds NaN or infinity")


def encode(
    head: dict[str, Any],
    request: InferRequest,
    outputs: Mapping[str, np.ndarray],
    labels: list[str],
) -> tuple[int | None, bytes]:
    """The answer's body, and the size of the JSON at its start when raw bytes follow it.

    Raises:
        BadInput: an output asked for does not exist, or not that way.
    """
    described: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for name, binary, classes in request.outputs or (
        Wanted(name, request.binary, 0) for name in outputs
    ):
        if name not in outputs:
            raise BadInput(f"this model has the outputs {list(outputs)}, not {name!r}")
        array = outputs[name]
        if classes:
            array = tensors.classify(array, classes, labels)
        item: dict[str, Any] = {
            "name": name,
            "datatype": name_of(array.dtype),
            "shape": array.shape,
        }
        if binary:
            raw.append(tensors.to_bytes(array))
            item["parameters"] = {"binary_data_size": len(raw[-1])}
        else:
            item["data"] = tensors.to_json_data(name, array)
        described.append(item)
    text = answers.to_json({**head, "outputs": described})
    return (len(text), b"".join([text, *raw])) if raw else (None, text)


def labels(status: ModelStatus) -> list[str]:
    """The classes' names as model.json has them."""
    told = status.entry.info.get("labels", [])
    return [str(label) for label in told] if isinstance(told, list) else []


def _wanted(listed: Any, binary: bool) -> list[Wanted]:
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise BadInput('"outputs" must be a list of objects')
    wanted = []
    for item in listed:
        name = item.get("name")
        if not isinstance(name, str):
            raise BadInput('each output asked for needs a "name"')
        parameters = _parameters(item, name)
        classes = optional(parameters, "classification", 0, f" of {name}")
        if classes < 0:
            raise BadInput(f'"classification" of {name} must be a number of classes, not {classes}')
        own = optional(parameters, "binary_data", binary, f" of {name}")
        wanted.append(Wanted(name, own, classes))
    return wanted


def _parameters(item: dict[str, Any], name: str) -> dict[str, Any]:
    parameters: dict[str, Any] = optional(item, "parameters", {}, f" of {name}")
    if "shared_memory_region" in parameters:
        raise BadInput("shared memory is not offered here: send the tensor's data")
    return parameters


def _encoding(accepted: bytes | None, size: int) -> str:
    if accepted is None or size < _COMPRESS_FROM:
        return ""
    offers = [part.strip() for part in accepted.decode("latin-1").lower().split(",")]
    return next((offer for offer in offers if offer in ("gzip", "deflate")), "")
