"""What is refused by a request's head, whoever asks: other hosts, other sites, too many.

A web page anywhere can make a browser send requests to this machine. It cannot read the answers,
unless its own name is made to lead here (DNS rebinding): so the Host that a request names must be
one of this daemon's. And what pages of other sites send is told by its Origin (RFC 6454, 7).
"""

from __future__ import annotations

import ipaddress
import math
import socket
import time
from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import Scope

from pi_edge import access_token
from pi_edge.server import connection
from pi_edge.server.answers import Refused

MAX_HEADERS = 100

# Host headers that were found good and are known at sight.
_KNOWN = 256

_EXPOSED = "X-Request-Id, X-Model, X-Variant, Inference-Header-Content-Length, Retry-After"


class Gate:
    """Lets requests through that may be looked at.

    Args:
        hosts: further names that this daemon is called by; "*" for any.
        origins: whose pages may ask, as in https://pages.example.
        machine: this machine's own name.
    """

    def __init__(
        self, hosts: Iterable[str] = (), origins: Iterable[str] = (), machine: str = ""
    ) -> None:
        hosts = frozenset(hosts)
        self._any = "*" in hosts
        short = (machine or socket.gethostname()).lower().partition(".")[0]
        own = {"localhost", (machine or socket.gethostname()).lower(), short, f"{short}.local"}
        self._names = frozenset(own | {_name(host)[0] for host in hosts})
        self._called = frozenset(host.encode() for host in hosts)
        self._origins = frozenset(origin.encode() for origin in origins)
        self._known: set[tuple[bytes, str]] = set()

    def check(self, scope: Scope) -> bytes:
        """The foreign origin that may read the answer, b"" for none.

        Raises:
            Refused: 400, 403, 421, 429 or 431, and why.
        """
        headers = scope["headers"]
        if len(headers) > MAX_HEADERS:
            raise Refused(431, f"this request has more than {MAX_HEADERS} headers: send fewer")
        bucket = connection.of(scope).bucket
        if bucket and (seconds := bucket.take(time.monotonic())):
            raise Refused(
                429,
                "these are more requests a second than one address may send (setting client_rate)",
                {"retry-after": str(math.ceil(seconds))},
            )
        host = origin = None
        for name, value in headers:
            if name == b"host":
                if host is not None:
                    raise Refused(400, "this request has more than one Host header: send one")
                host = value
            elif name == b"origin":
                origin = value
        # Before HTTP/1.1 there was none, and no browser is that old.
        if host is None and scope["http_version"] != "1.0":
            raise Refused(400, "this request has no Host header: send one (RFC 9112, 3.2)")
        server = scope["server"][0] if scope["server"] else ""
        if host is not None and (host, server) not in self._known:
            self._check_host(host, server)
        return self._check_origin(origin.lower(), host or b"") if origin is not None else b""

    def _check_host(self, host: bytes, server: str) -> None:
        if not self._any and not self._is_own(host.decode("latin-1").lower(), server):
            shown = host.decode("latin-1")[:100]
            raise Refused(
                421,
                f"this daemon is not called {shown!r}: ask it by its address, or name it so in the"
                " setting allowed_hosts",
            )
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known.add((host, server))

    def _is_own(self, host: str, server: str) -> bool:
        name, is_valid = _name(host)
        if not is_valid:
            return False
        if name in self._names or name.endswith(".localhost"):  # RFC 6761, 6.3
            return True
        return access_token.is_loopback(name) or _same_address(name, server)

    def _check_origin(self, origin: bytes, host: bytes) -> bytes:
        authority = origin.partition(b"://")[2]
        if authority and (authority == host.lower() or authority in self._called):
            return b""
        if origin in self._origins:
            return origin
        raise Refused(
            403,
            "pages of other sites may not ask this daemon: if this one may, name its origin in the"
            " setting allowed_origins",
        )


def readable_by(origin: bytes) -> list[tuple[bytes, bytes]]:
    """Headers that let pages of an origin read an answer (Fetch standard, 3.2.3)."""
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _EXPOSED.encode()),
        (b"vary", b"Origin"),
    ]


def preflight(scope: Scope) -> Response | None:
    """The answer to a browser that asks before it lets a page ask (Fetch standard, 4.8); None
    where this is no such question."""
    headers = dict(scope["headers"])
    if scope["method"] != "OPTIONS" or b"access-control-request-method" not in headers:
        return None
    asked = headers.get(b"access-control-request-headers", b"").decode("latin-1")
    return Response(
        status_code=204,
        headers={
            "access-control-allow-methods": "GET, HEAD, POST",
            "access-control-allow-headers": asked or "authorization, content-type",
            "access-control-max-age": "600",
        },
    )


def _name(host: str) -> tuple[str, bool]:
    """The name or address in a Host header (RFC 9110, 7.2), and whether it is one."""
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        port = port.removeprefix(":") if port.startswith(":") else port and "x"
        return name, bool(closed) and (not port or port.isdigit())
    name, _, port = host.partition(":")
    name = name.removesuffix(".")
    return name, bool(name) and (not port or port.isdigit())


def _same_address(name: str, server: str) -> bool:
    """Whether a name is the address that the client is connected to."""
    try:
        named = ipaddress.ip_address(name.partition("%")[0])
        there = ipaddress.ip_address(server.partition("%")[0])
    except ValueError:
        return False
    mapped = there.ipv4_mapped if isinstance(there, ipaddress.IPv6Address) else None
    return named in (there, mapped)
