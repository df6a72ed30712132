"""The page and its files, and what browsers are told that it may do (Content Security Policy,
level 3).

Everything that it consists of lies in pages/ and is served as it is, but for the style sheet, which
travels inside the page: so one answer is all that the first paint waits for. There is no build
step, and nothing comes from anywhere else.
"""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "pages"

# By themselves: what a machine's own table has for these differs from one to the next.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}

_HTML, _STYLE = "index.html", "style.css"
_PLACE = b'<link rel="stylesheet" href="style.css">'


async def page(request: Request) -> Response:
    """GET /."""
    style = (FOLDER / _STYLE).read_bytes()
    html = (FOLDER / _HTML).read_bytes().replace(_PLACE, b"<style>%b</style>" % style)
    return _answer(request, html, ".html", policy(style))


async def file(request: Request) -> Response:
    """GET /page/FILE.

    Raises:
        HTTPException: 404, there is no such file.
    """
    name = request.path_params["file"]
    if f"/page/{name}" not in paths():
        raise HTTPException(404)
    # Read here, not in a thread: asking one takes longer than reading 10 kB.
    content = (FOLDER / name).read_bytes()
    return _answer(request, content, Path(name).suffix, policy(b""))


@cache
def paths() -> frozenset[str]:
    """Where the page and its files are: open to all, as its token is typed in there."""
    names = (one.name for one in FOLDER.iterdir() if one.suffix in MEDIA_TYPES)
    return frozenset({"/", *(f"/page/{name}" for name in names if name != _HTML)})


def policy(style: bytes) -> str:
    """A policy under which scripts of the page's own files run, and ``style`` applies, and no
    other; no text becomes markup or code (Trusted Types); no other site may show the page in a
    frame, and it talks to nobody but this daemon.

    What the daemon answers elsewhere is no script, and says so (nosniff). Blobs are pictures that
    the page was sent or shown.
    """
    allowed = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'sha256-{_digest(style)}'",
        "img-src": "'self' blob:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in allowed.items())


def _answer(request: Request, content: bytes, suffix: str, policy: str) -> Response:
    """The content, or 304 to who has it: asked for each time, a new release shows at once."""
    headers = {
        "cache-control": "no-cache",
        "content-security-policy": policy,
        "etag": f'"{_digest(content)}"',
        "referrer-policy": "no-referrer",
    }
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, headers={**headers, "content-type": MEDIA_TYPES[suffix]})


def _digest(content: bytes) -> str:
    """SHA-256 as a policy has it (level 3, 6.7.2.2)."""
    from hashlib import sha256  # with OpenSSL, which takes long to load

    return base64.b64encode(sha256(content).digest()).decode()
