"""What the running daemon says of itself and its models."""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import urllib.parse
from typing import Any

from pi_edge import access_token, config, terminal, tls
from pi_edge.errors import PiEdgeError

# Seconds; a daemon that takes longer is as good as none.
PATIENCE = 10.0
_COLOURS = {"ready": "green", "degraded": "yellow", "failed": "red", "quarantined": "red"}


EXAMPLES = """\
pi-edge status
pi-edge status --json
pi-edge status --url http://raspberrypi.local:8080
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--url", help="where the daemon is (http://127.0.0.1:8080)")


def run(args: argparse.Namespace) -> int:
    status = of_daemon(config.load({}), args.url)
    print(json.dumps(status, indent=2, ensure_ascii=False) if args.json else to_text(status))
    return 0


class Locked(PiEdgeError):
    """The daemon demands another token."""


def of_daemon(settings: config.Config, url: str | None = None) -> dict[str, Any]:
    """What the daemon at ``url``, or where the settings have it on this machine, says of itself.

    Raises:
        Locked: it demands a token that is not known here.
        PiEdgeError: nobody, or somebody else, answers there.
    """
    scheme = "https" if settings.tls_certificate else "http"
    try:
        return _ask(url or f"{scheme}://127.0.0.1:{settings.port}", settings)
    except Locked:
        raise
    except PiEdgeError:
        # It may have been given a certificate by a flag, or by settings of another folder.
        if url or not tls.is_spoken("127.0.0.1", settings.port):
            raise
        return _ask(f"https://127.0.0.1:{settings.port}", settings)


def _ask(url: str, settings: config.Config) -> dict[str, Any]:
    try:
        return ask(url, settings.token)
    except Locked:
        if settings.token or not _is_here(url):
            raise
        return _ask_with_own_token(url, settings)


def ask(url: str, token: str = "") -> dict[str, Any]:
    """The answer of /status.

    Args:
        token: what to show to a daemon that demands it.

    Raises:
        Locked: that is not the token.
        PiEdgeError: nobody, or somebody else, answers there.
    """
    nobody = f"no daemon answers at {url}: start one with pi-edge serve, or say where with --url"
    try:
        code, body = _get(url, f"Authorization: Bearer {token}\r\n" if token else "")
        if code == 401:
            raise Locked(
                f"the daemon at {url} demands {'another' if token else 'a'} token: give it as in"
                " PI_EDGE_TOKEN=... pi-edge status"
            )
        if code != 200:
            raise PiEdgeError(f"{url} answers {code}: it is no pi-edge")
        status = json.loads(body)
    except OSError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise PiEdgeError(
                f"the certificate of {url} is not trusted here: ask by a name that it has, and name"
                " its file, as in SSL_CERT_FILE=pi.pem pi-edge status --url ..."
            ) from None
        raise PiEdgeError(nobody) from None
    except ValueError:
        raise PiEdgeError(
            f"what answers at {url} is no pi-edge: say where it is with --url"
        ) from None
    if not isinstance(status, dict) or not {"state", "models"} <= status.keys():
        raise PiEdgeError(f"what answers at {url} is no pi-edge: say where it is with --url")
    return status


def _get(url: str, headers: str) -> tuple[int, bytes]:
    """Status and body of the answer (HTTP/1.0, RFC 1945), through no proxy, after no redirection.
    Not by http.client, since importing that takes longer than all the rest of this command.

    Raises:
        OSError: nobody answers.
        ValueError: what answers speaks something else.
    """
    place = urllib.parse.urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise ValueError(f"not of the web: {url}")
    secure = place.scheme == "https"
    address = place.hostname, place.port or (443 if secure else 80)
    path = f"{place.path.rstrip('/')}/status"
    request = f"GET {path} HTTP/1.0\r\nHost: {place.netloc}\r\n{headers}\r\n"
    with contextlib.ExitStack() as open_now:
        line = open_now.enter_context(socket.create_connection(address, timeout=PATIENCE))
        if secure:
            context = tls.own_context() if _is_here(url) else tls.default_context()
            line = open_now.enter_context(context.wrap_socket(line, server_hostname=place.hostname))
        line.sendall(request.encode("ascii"))
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    version, code, *_ = head.split(None, 2)
    if not version.startswith(b"HTTP/1."):
        raise ValueError(f"no HTTP: {version!r}")
    return int(code), body


def _is_here(url: str) -> bool:
    """Whether only this machine can answer at a URL: nobody else shall be sent its token."""
    host = urllib.parse.urlsplit(url).hostname or ""
    return host == "localhost" or access_token.is_loopback(host)


def _ask_with_own_token(url: str, settings: config.Config) -> dict[str, Any]:
    """The same of a daemon on this machine that keeps its state where the settings say, or that is
    the service."""
    advice = "say which state folder it has, as in PI_EDGE_STATE=DIR pi-edge status"
    paths = [access_token.file_of(state) for state in (settings.state, config.SERVICE_STATE)]
    for path in paths:
        try:
            token = access_token.read(path)
        except access_token.Unreadable as error:
            advice = f"{error}, so ask as its owner: sudo pi-edge status"
            continue
        if token:
            with contextlib.suppress(Locked):
                return ask(url, token)
    raise Locked(f"the daemon at {url} demands its token: {advice}")


def to_text(status: dict[str, Any]) -> str:
    """The same for a person."""
    runtime, led = status.get("runtime", {}), status.get("led", {})
    machine = status.get("machine", {})
    light = led.get("out") or led.get("shows") or led.get("light", "")
    lines = [
        f"{_coloured(status['state'])}, up {_time(status.get('uptime', 0))},"
        f" process {status.get('pid')}, version {status.get('version')}",
        f"on {machine.get('board') or machine.get('cpu') or 'an unknown machine'},"
        f" {runtime.get('name')} {runtime.get('version')}",
        f"status light: {light}",
        *([_learning(status["learning"])] if status.get("learning") else []),
    ]
    if count := status.get("examples", {}).get("count"):
        lines.append(f"examples to learn from: {count}")
    if broker := status.get("mqtt"):
        lines.append(_broker(broker))
    lines.append("")
    width = max((len(name) for name in status["models"]), default=0)
    for name, model in status["models"].items():
        variants = ", ".join(
            variant if one["state"] == model["state"] else f"{variant} ({one['state']})"
            for variant, one in model["variants"].items()
        )
        state = _coloured(model["state"], 11)
        lines.append(f"{name:{width}}  {state}  {variants}".rstrip())
        if model.get("reason"):
            lines.append(f"{'':{width}}  {model['reason']}")
    return "\n".join(lines if status["models"] else [*lines, "no models"])


def _coloured(state: str, width: int = 0) -> str:
    """A state of the daemon's or a model's, on a terminal in the colour of how it is."""
    return terminal.coloured(f"{state:{width}}", _COLOURS.get(state, ""))


def _learning(told_of: dict[str, Any]) -> str:
    from pi_edge.learning import told  # here: few are learning, and NumPy comes with it

    return told.in_words(told_of)


def _broker(mqtt: dict[str, Any]) -> str:
    how = "connected" if mqtt["connected"] else mqtt["out"] or "not connected"
    counts = [f"{mqtt[key]} {key}" for key in ("delivered", "waiting", "dropped") if mqtt[key]]
    return f"broker {mqtt['broker']}: {how}{'; results: ' if counts else ''}{', '.join(counts)}"


def _time(seconds: float) -> str:
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, int(seconds) // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {int(seconds) % 60} s" if minutes else f"{int(seconds)} s"
