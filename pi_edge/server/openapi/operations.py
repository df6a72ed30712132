"""The routes, as OpenAPI describes them."""

from __future__ import annotations

from typing import Any

from pi_edge.server import page
from pi_edge.server.openapi.schemas import ANYTHING, BOOL, COUNT, TEXT, ref

JSON = "application/json"
BINARY = "application/octet-stream"
MULTIPART = "multipart/form-data"
CSV = "text/csv"
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif")
PAGE_FILES = ("text/javascript", "image/webp", "image/svg+xml")
STYLED = ("image/jpeg", "image/png", "image/webp", "image/tiff")

Part = dict[str, Any]

_ERRORS = {
    400: "What was sent cannot be understood",
    401: "The token is missing or wrong",
    403: "Pages of that origin may not ask",
    404: "There is no such model, version or task",
    408: "The request comes too slowly",
    413: "The body, or what it unpacks to, is over a limit",
    415: "Content-Encoding is neither gzip nor deflate",
    421: "The daemon is not called so",
    429: "These are too many requests from one address",
    431: "The head of the request is too large",
    500: "The model failed",
    503: "It cannot answer now",
    507: "There is no room for another example",
}
_EVERYWHERE = (400, 401, 403, 408, 421, 429, 431)
_BODY = (413, 415)
_RETRY: Part = {
    "headers": {
        "Retry-After": {
            "description": "seconds after which asking again may help",
            "schema": {"type": "integer"},
        }
    }
}


def paths() -> dict[str, Part]:
    """Path -> method -> operation."""
    found: dict[str, Part] = {}
    for path, method, operation in _operations():
        names = [name for name in ("name", "version") if f"{{{name}}}" in path]
        parameters = [*map(_in_path, names), *operation.pop("parameters", [])]
        if parameters:
            operation["parameters"] = parameters
        found.setdefault(path, {})[method] = operation
    return found


def errors() -> dict[str, Part]:
    """What is answered where something is wrong, by its status."""
    return {
        str(code): {"description": told, "content": {JSON: _schema("Error")}}
        | (_RETRY if code in (429, 503) else {})
        for code, told in _ERRORS.items()
    }


def _operations() -> list[tuple[str, str, Part]]:
    model = "/v2/models/{name}"
    health, repository = "/v2/health", "/v2/repository"
    listed: list[tuple[str, str, Part]] = [
        ("/v2", "get", _get("Name, version and extensions", "Server")),
        (f"{health}/live", "get", _open(_get("Whether the daemon runs", "Live"))),
        (f"{health}/ready", "get", _open(_ready())),
        ("/v2/models/stats", "get", _get("Statistics of all models", "Statistics")),
    ]
    for path in (model, f"{model}/versions/{{version}}"):
        listed += [
            (f"{path}/infer", "post", _infer()),
            (path, "get", _get("Inputs and outputs", "ModelMetadata", 404, 503)),
            (f"{path}/ready", "get", _get("Whether it can answer", "ModelReady", 404, 503)),
            (f"{path}/config", "get", _get("As Triton configures it", "ModelConfig", 404, 503)),
            (f"{path}/stats", "get", _get("Statistics", "Statistics", 404)),
        ]
    one = f"{repository}/models/{{name}}"
    index = _answered("All models", {JSON: _schema("Index")}, *_BODY)
    listed += [
        (f"{repository}/index", "post", index | _takes(_schema("IndexRequest"))),
        (f"{one}/load", "post", _done("Load a model, or load it again", "LoadRequest", 404, 503)),
        (f"{one}/unload", "post", _done("Stop serving a model", "UnloadRequest", 404)),
        ("/tasks/digits", "post", _task("Read digits", "Digits", "Pixels", *PICTURES)),
        ("/tasks/digits/examples", "post", _example()),
        (
            "/tasks/stocks",
            "post",
            _task("Forecast closing prices", "Forecasts", "Prices", CSV),
        ),
        ("/tasks/regression", "post", _task("Predict", "Predictions", "Rows", CSV)),
        ("/tasks/style", "post", _style()),
        (
            "/status",
            "get",
            _get("State, models, learning, light, runtime, machine", "Status"),
        ),
        ("/metrics", "get", _answered("For Prometheus", {"text/plain": {"schema": TEXT}})),
        ("/openapi.json", "get", _answered("This document", {JSON: {"schema": ANYTHING}})),
        ("/", "get", _open(_answered("A page to try it on", {"text/html": {"schema": TEXT}}))),
        ("/page/{file}", "get", _page_file()),
    ]
    return listed


# --- operations ---------------------------------------------------------------------------------


def _answered(summary: str, content: Part, *errors: int) -> Part:
    """What every operation has, with ``content`` as its answer 200."""
    told = {"description": summary, **({"content": content} if content else {})}
    responses = {"200": told} | {
        str(code): _error(code) for code in sorted({*_EVERYWHERE, *errors})
    }
    return {"summary": summary, "responses": responses}


def _get(summary: str, answer: str, *errors: int) -> Part:
    return _answered(summary, {JSON: _schema(answer)}, *errors)


def _done(summary: str, body: str, *errors: int) -> Part:
    return _answered(summary, {}, *_BODY, *errors) | _takes(_schema(body))


def _open(operation: Part) -> Part:
    """Needs no token."""
    responses = {code: told for code, told in operation["responses"].items() if code != "401"}
    return {**operation, "responses": responses, "security": []}


def _page_file() -> Part:
    names = sorted(path.removeprefix("/page/") for path in page.paths() - {"/"})
    found = _open(_answered("A file of the page", {kind: {} for kind in PAGE_FILES}, 404))
    schema = {"type": "string", "enum": names}
    return found | {
        "parameters": [{"name": "file", "in": "path", "required": True, "schema": schema}]
    }


def _ready() -> Part:
    ready = _get("Whether models can be asked", "Ready")
    ready["responses"]["503"] = {"description": "Not now", "content": {JSON: _schema("Ready")}}
    return ready


def _infer() -> Part:
    both = {JSON: _schema("InferResponse"), BINARY: {}}
    inference = _answered("One inference", both, *_BODY, 404, 500, 503)
    length = "Inference-Header-Content-Length"
    behind = "bytes of JSON at the body's start; the tensors lie behind it"
    told = {"description": behind, "schema": COUNT}
    inference["responses"]["200"]["headers"] = {length: told}
    inference["parameters"] = [{"name": length, "in": "header", **told}]
    content = {JSON: _schema("InferRequest"), BINARY: {}}
    return inference | {"requestBody": {"required": True, "content": content}}


def _task(summary: str, answer: str, body: str, *kinds: str) -> Part:
    task = _answered(summary, {JSON: _schema(answer)}, *_BODY, 404, 500, 503)
    task["parameters"] = [
        _in_query("model", TEXT, "the task's own where none is named"),
        _in_query("variant", TEXT, "the model's default where none is named"),
    ]
    content = {JSON: _schema(body), MULTIPART: _FORM, **_untold(kinds)}
    return task | {"requestBody": {"required": True, "content": content}}


def _example() -> Part:
    example = _task("Keep what digits would have been right", "Kept", "Pixels", *PICTURES)
    responses = example["responses"]
    responses["201"] = responses.pop("200")
    responses["507"] = _error(507)
    label = {"type": "string", "pattern": "^[0-9]+$"}
    told = "the digits that are right, left to right; not beside the id of an answer"
    example["parameters"].append(_in_query("label", label, told))
    either = {"schema": {"oneOf": [ref("Pixels"), ref("Correction")]}}
    example["requestBody"]["content"][JSON] = either
    return example


def _style() -> Part:
    style = _answered("Paint a photo", _untold(STYLED), *_BODY, 404, 500, 503)
    share = {"type": "number", "minimum": 0, "maximum": 1}
    scale = {"type": "string", "enum": ["fine", "normal", "bold"]}
    style["parameters"] = [
        _in_query("style", TEXT, "one style"),
        _in_query("styles", TEXT, "a mix, as in udnie=0.5,scream=0.5"),
        _in_query("strength", share, "from the photo, 0, to the painting, 1"),
        _in_query("preserve_color", BOOL, "keep the photo's colours"),
        _in_query("scale", scale, "size of the strokes"),
        _in_query("preview", BOOL, "a small copy, quickly"),
        _in_query("model", TEXT, "style where none is named"),
        _in_query("variant", TEXT, "the model's default where none is named"),
    ]
    content = {MULTIPART: _FORM, **_untold(STYLED)}
    return style | {"requestBody": {"required": True, "content": content}}


# --- parts --------------------------------------------------------------------------------------

_FILE = {"type": "string", "contentMediaType": BINARY}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"image": _FILE, "file": _FILE},
        "anyOf": [{"required": ["image"]}, {"required": ["file"]}],
    }
}


def _untold(kinds: tuple[str, ...]) -> Part:
    """Contents of which nothing is told but their kinds."""
    return {kind: {} for kind in kinds}


def _schema(name: str) -> Part:
    return {"schema": ref(name)}


def _takes(schema: Part) -> Part:
    return {"requestBody": {"required": False, "content": {JSON: schema}}}


def _error(code: int) -> Part:
    return {"$ref": f"#/components/responses/{code}"}


def _in_path(name: str) -> Part:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


def _in_query(name: str, schema: Part, description: str) -> Part:
    return {"name": name, "in": "query", "description": description, "schema": schema}
