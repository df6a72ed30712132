"""Asking a running daemon to do the work, so that its one model serves all who ask, and its MQTT
broker hears of the answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.parse
from typing import Any

from pi_edge import access_token, config, tls
from pi_edge.errors import BadInput, PiEdgeError, Unavailable, WrongUsage

# Seconds; a photo in the style of a painting takes its time, and may wait in line.
PATIENCE = 600.0


class DaemonClient:
    """A daemon at a URL.

    Args:
        settings: they have its token, or it is in a state folder that this user may read.
    """

    def __init__(self, url: str, settings: config.Config) -> None:
        place = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
        if place.scheme not in ("http", "https") or not place.hostname:
            raise WrongUsage(f"--url must be as in http://127.0.0.1:8080, not {url}")
        self._url, self._place = url, place
        self._here = place.hostname == "localhost" or access_token.is_loopback(place.hostname)
        self._token = settings.token or (_own_token(settings) if self._here else "")

    def status(self) -> dict[str, Any]:
        """What /status says."""
        _, body = self._send("GET", "/status", b"", {})
        return dict(json.loads(body))

    def post(
        self, path: str, body: bytes, headers: dict[str, str] | None = None, **query: str
    ) -> tuple[http.client.HTTPMessage, bytes]:
        """Headers and body of the answer; parameters that are empty are left out.

        Raises:
            BadInput: the daemon does not understand what it was sent.
            Unavailable: nobody answers, or not now.
            PiEdgeError: it says that something else went wrong.
        """
        given = {name: value for name, value in query.items() if value}
        return self._send("POST", f"{path}?{urllib.parse.urlencode(given)}", body, headers or {})

    def _send(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPMessage, bytes]:
        if self._token:
            headers = {**headers, "Authorization": f"Bearer {self._token}"}
        try:
            with contextlib.closing(self._connection()) as connection:
                connection.request(method, f"{self._place.path.rstrip('/')}{path}", body, headers)
                answer = connection.getresponse()
                told = answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unavailable(f"no daemon answers at {self._url}: {reason}") from None
        if answer.status == 200:
            return answer.headers, told
        reason = _reason(told) or f"{self._url} answers {answer.status}"
        if answer.status == 401:
            raise WrongUsage(f"{reason} (give it as in PI_EDGE_TOKEN=... pi-edge watch ...)")
        if answer.status in (429, 503):
            raise Unavailable(reason)
        raise (BadInput if answer.status < 500 else PiEdgeError)(reason)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._place.hostname or "", self._place.port
        if self._place.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=PATIENCE)
        context = tls.own_context() if self._here else tls.default_context()
        return http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)


def _own_token(settings: config.Config) -> str:
    for state in (settings.state, config.SERVICE_STATE):
        with contextlib.suppress(PiEdgeError):
            if token := access_token.read(access_token.file_of(state)):
                return token
    return ""


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""
