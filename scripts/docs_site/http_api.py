"""The reference of the HTTP API, from the daemon's own OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pi_edge.server.openapi import document

INTRODUCTION = """# HTTP API

Made by `scripts/docs --update` from the description that the daemon itself serves at
`/openapi.json` (OpenAPI 3.1); [openapi.json](../openapi.json) is the same file, for programs.
Whatever is wrong is answered with the fitting status and one line, `{"error": "..."}`. How it is
used is told in [models.md](../models.md#ask-it) and the pages of each task.

Where the daemon demands a token ([service.md](../service.md#beyond-this-machine)) every request
needs `Authorization: Bearer TOKEN`, but for those marked *open*. Every model's answer has an id;
where the request has a valid `traceparent` header, that trace's.
"""


def openapi() -> str:
    """The document as a file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """The same as a Markdown page."""
    told = document()
    parts = [INTRODUCTION, "| route | what |", "|---|---|"]
    for path, method, operation in _operations(told):
        parts.append(
            f"| [`{method.upper()} {path}`](#{anchor(method, path)}) | {operation['summary']} |"
        )
    for path, method, operation in _operations(told):
        parts += ["", *_operation(told, path, method, operation)]
    parts += ["", "## Errors", "", "| status | what |", "|---|---|"]
    for code, answer in told["components"]["responses"].items():
        retry = " (`Retry-After` tells when)" if "headers" in answer else ""
        parts.append(f"| {code} | {answer['description']}{retry} |")
    parts += ["", "## Bodies", "", "Objects may hold more than is told here."]
    for name, schema in told["components"]["schemas"].items():
        parts += ["", *_schema(name, schema)]
    return "\n".join(parts) + "\n"


def anchor(method: str, path: str) -> str:
    """The anchor of a route's heading, as both MkDocs and code hosts make it."""
    heading = re.sub(r"[^\w\- ]", "", f"{method} {_titled(path)}".lower())
    return heading.replace(" ", "-")


def _titled(path: str) -> str:
    return "/, the page" if path == "/" else path


def _operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _operation(
    told: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> Iterator[str]:
    yield f"## {method.upper()} {_titled(path)}"
    yield ""
    free = ", *open*" if operation.get("security") == [] else ""
    yield f"{operation['summary']}{free}."
    if parameters := operation.get("parameters"):
        yield from ["", "| parameter | in | what |", "|---|---|---|"]
        for one in parameters:
            what = one.get("description", "")
            if kinds := _limits(one["schema"]):
                what = f"{what}; {kinds}" if what else kinds
            yield f"| `{one['name']}` | {one['in']} | {what} |"
    if body := operation.get("requestBody"):
        needed = "" if body.get("required") else " (may be missing)"
        yield from ["", f"Takes{needed} {_contents(body['content'])}."]
    yield ""
    good = {code: one for code, one in operation["responses"].items() if code < "300"}
    for code, answer in good.items():
        contents = _contents(answer.get("content", {}))
        yield f"Answers {code}{f' with {contents}' if contents else ''}."
    errors = ", ".join(code for code in operation["responses"] if code >= "300")
    yield from ["", f"[Errors](#errors): {errors}."]


def _contents(content: dict[str, Any]) -> str:
    """Media types, those without a schema of their own together."""
    parts = []
    for kind, one in content.items():
        shape = _kind(one.get("schema", {}))
        parts.append(f"`{kind}`" + (f" ({shape})" if shape and shape.startswith("[") else ""))
    return " or ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if schema.get("description"):
        yield from [schema["description"], ""]
    required = set(schema.get("required", []))
    properties = schema.get("properties", {})
    if not properties:
        yield f"{_kind(schema) or 'anything'}."
        return
    yield from ["| member | | what |", "|---|---|---|"]
    for member, one in properties.items():
        needed = "required" if member in required else ""
        told = one.get("description", "")
        kind = "; ".join(filter(None, [_kind(one), _limits(one)]))
        yield f"| `{member}` | {needed} | {kind}{': ' if told else ''}{told} |"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in schema and "type" not in schema:
            return " or ".join(filter(None, map(_kind, schema[several])))
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return " or ".join(_kind({**schema, "type": one}) for one in kind)
    if kind == "array" and schema.get("items"):
        return f"list of {_kind(schema['items']) or 'anything'}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    if kind == "object" and "properties" in schema:
        return "object with " + ", ".join(f"`{name}`" for name in schema["properties"])
    return kind


def _limits(schema: dict[str, Any]) -> str:
    parts = []
    if "enum" in schema:
        parts.append("one of " + ", ".join(f"`{one}`" for one in schema["enum"]))
    if "minimum" in schema and "maximum" in schema:
        parts.append(f"from {schema['minimum']} to {schema['maximum']}")
    if "pattern" in schema:
        parts.append(f"as in `{schema['pattern']}`")
    return "; ".join(parts)
