"""What the HTTP API is, said to programs: an OpenAPI 3.1 document, served at /openapi.json.

operations.py has the routes, one entry each, and schemas.py what bodies look like. A test compares
both with the routes that the application has.
https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pi_edge import __version__
from pi_edge.server.answers import Json
from pi_edge.server.openapi import operations, schemas


@cache
def document() -> dict[str, Any]:
    """The document."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "pi-edge",
            "version": __version__,
            "summary": "Neural networks served on a Raspberry Pi",
            "description": (
                "The Open Inference Protocol v2, and tasks that take pictures, prices and tables."
                " Whatever is wrong is answered with the fitting status and one line of JSON."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": operations.paths(),
        "components": {
            "schemas": schemas.SCHEMAS,
            "responses": operations.errors(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        # Where the daemon listens on this machine only, it may demand none.
        "security": [{"token": []}, {}],
    }


async def serve(request: Request) -> Response:
    """GET /openapi.json."""
    return Json(document())
