"""The page, and what browsers are told that it may do (Content Security Policy, level 3)."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

FILE = Path(__file__).parent / "pages" / "index.html"


async def page(request: Request) -> Response:
    """GET /."""
    return FileResponse(FILE, headers=_headers())


@cache
def _headers() -> dict[str, str]:
    return {
        "cache-control": "no-cache",
        "content-security-policy": policy(FILE.read_text()),
        "referrer-policy": "no-referrer",
    }


def policy(html: str) -> str:
    """A policy under which a page's own script and style run, and no other; no other site may
    show the page in a frame, and it talks to nobody but this daemon."""
    allowed = {
        "default-src": "'none'",
        "script-src": _hashes(html, "script"),
        "style-src": _hashes(html, "style"),
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in allowed.items())


def _hashes(html: str, element: str) -> str:
    """What CSP calls the contents of all such elements (level 3, 6.7.2.2)."""
    contents = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
    digests = (hashlib.sha256(text.encode()).digest() for text in contents)
    return " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests) or "'none'"
