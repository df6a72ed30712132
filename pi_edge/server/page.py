"""The page and its files, and what browsers are told that it may do (Content Security Policy,
level 3).

Everything that it consists of lies in pages/ and is served as it is: there is no build step, and
nothing comes from anywhere else.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "pages"

_static = StaticFiles(directory=FOLDER)

# Its own files and nothing else: what the daemon answers elsewhere is no script and no style, and
# says so (nosniff). No text becomes markup or code (Trusted Types). No other site may show the page
# in a frame, and it talks to nobody but this daemon. Blobs are pictures it has been sent or shown.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)

# By themselves: what a machine's own table has for these differs from one to the next.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}

# Asked for each time, and answered with 304 where nothing has changed: a new release shows at once.
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
}


async def page(request: Request) -> Response:
    """GET /."""
    return await _file("index.html", request)


async def file(request: Request) -> Response:
    """GET /page/FILE.

    Raises:
        HTTPException: 404, there is no such file.
    """
    return await _file(request.path_params["file"], request)


@cache
def paths() -> frozenset[str]:
    """Where the page and its files are: open to all, as its token is typed in there."""
    return frozenset({"/", *(f"/page/{one.name}" for one in FOLDER.iterdir() if one.is_file())})


async def _file(name: str, request: Request) -> Response:
    answer = await _static.get_response(name, request.scope)
    if answer.status_code == 200:
        answer.headers["content-type"] = MEDIA_TYPES[Path(name).suffix]
    answer.headers.update(_HEADERS)
    return answer
