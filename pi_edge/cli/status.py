"""What the running daemon says of itself and its models."""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from pi_edge import access_token, config, tls
from pi_edge.errors import PiEdgeError
from pi_edge.learning import told

# Seconds; a daemon that takes longer is as good as none.
PATIENCE = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--url", help="where the daemon is (http://127.0.0.1:8080)")


def run(args: argparse.Namespace) -> int:
    settings = config.load({})
    scheme = "https" if settings.tls_certificate else "http"
    try:
        status = _ask(args.url or f"{scheme}://127.0.0.1:{settings.port}", settings)
    except Locked:
        raise
    except PiEdgeError:
        # It may have been given a certificate by a flag, or by settings of another folder.
        if args.url or not tls.is_spoken("127.0.0.1", settings.port):
            raise
        status = _ask(f"https://127.0.0.1:{settings.port}", settings)
    print(json.dumps(status, indent=2, ensure_ascii=False) if args.json else to_text(status))
    return 0


class Locked(PiEdgeError):
    """The daemon demands another token."""


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
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=tls.own_context() if _is_here(url) else None),
    )
    try:
        request = urllib.request.Request(f"{url.rstrip('/')}/status")
        if token:  # not for whoever it may redirect to
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        with direct.open(request, timeout=PATIENCE) as answer:
            status = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 401:
            raise Locked(
                f"the daemon at {url} demands {'another' if token else 'a'} token: give it as in"
                " PI_EDGE_TOKEN=... pi-edge status"
            ) from None
        raise PiEdgeError(f"{url} answers {error.code}: it is no pi-edge") from None
    except OSError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise PiEdgeError(
                f"the certificate of {url} is not trusted here: ask by a name that it has, and name"
                " its file, as in SSL_CERT_FILE=pi.pem pi-edge status --url ..."
            ) from None
        raise PiEdgeError(nobody) from None
    except (ValueError, http.client.HTTPException):
        raise PiEdgeError(
            f"what answers at {url} is no pi-edge: say where it is with --url"
        ) from None
    if not isinstance(status, dict) or not {"state", "models"} <= status.keys():
        raise PiEdgeError(f"what answers at {url} is no pi-edge: say where it is with --url")
    return status


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
        f"{status['state']}, up {_time(status.get('uptime', 0))}, process {status.get('pid')},"
        f" version {status.get('version')}",
        f"on {machine.get('board') or machine.get('cpu') or 'an unknown machine'},"
        f" {runtime.get('name')} {runtime.get('version')}",
        f"status light: {light}",
        *([told.in_words(status["learning"])] if status.get("learning") else []),
    ]
    if count := status.get("examples", {}).get("count"):
        lines.append(f"examples to learn from: {count}")
    lines.append("")
    width = max((len(name) for name in status["models"]), default=0)
    for name, model in status["models"].items():
        variants = ", ".join(
            variant if one["state"] == model["state"] else f"{variant} ({one['state']})"
            for variant, one in model["variants"].items()
        )
        lines.append(f"{name:{width}}  {model['state']:11}  {variants}".rstrip())
        if model.get("reason"):
            lines.append(f"{'':{width}}  {model['reason']}")
    return "\n".join(lines if status["models"] else [*lines, "no models"])


def _time(seconds: float) -> str:
    minutes, hours, days = int(seconds) // 60, int(seconds) // 3600, int(seconds) // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {int(seconds) % 60} s" if minutes else f"{int(seconds)} s"
