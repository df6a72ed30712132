"""Who may ask: beyond this machine, whoever shows the token (RFC 6750)."""

from __future__ import annotations

import hmac

from starlette.types import ASGIApp, Receive, Scope, Send

from pi_edge.access_token import Token
from pi_edge.server import asked, bodies, page
from pi_edge.server.answers import LastAnswer, error_json

# The page must be there for its token to be typed in; health is for who restarts what is down.
_OPEN = page.paths() | {"/v2/health/live", "/v2/health/ready"}


class TokenDemanded:
    """Lets requests through to ``app`` that show the token, and those for what is open to all.

    Every other is answered 401 before any of its body is looked at.
    """

    def __init__(self, app: ASGIApp, token: Token) -> None:
        self._app, self._token = app, token.value.encode("latin-1")
        said = (
            "send the header Authorization: Bearer TOKEN, in a browser open /#token=TOKEN;"
            f" the daemon's machine has it in {token.place}"
        )
        self._missing = error_json(f"this daemon answers only who shows its token: {said}")
        self._wrong = error_json(f"that is not this daemon's token: {said}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in _OPEN or self._shown(scope):
            await self._app(scope, receive, send)
            return
        asked.of(scope).kind = "unauthorized"
        shown = b"authorization" in bodies.headers_of(scope)
        answer = LastAnswer(
            self._wrong if shown else self._missing,
            401,
            {"www-authenticate": "Bearer"},
            media_type="application/json",
        )
        await answer(scope, receive, send)

    def _shown(self, scope: Scope) -> bool:
        scheme, _, value = bodies.headers_of(scope).get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(value.strip(), self._token)
