"""What the running daemon says of itself and its models."""

from __future__ import annotations

import argparse
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from pi_edge import config
from pi_edge.errors import PiEdgeError

# Seconds; a daemon that takes longer is as good as none.
PATIENCE = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--url", help="where the daemon is (http://127.0.0.1:8080)")


def run(args: argparse.Namespace) -> int:
    settings = config.load({})
    status = ask(args.url or f"http://127.0.0.1:{settings.port}")
    print(json.dumps(status, indent=2, ensure_ascii=False) if args.json else to_text(status))
    return 0


def ask(url: str) -> dict[str, Any]:
    """The answer of /status.

    Raises:
        PiEdgeError: nobody, or somebody else, answers there.
    """
    nobody = f"no daemon answers at {url}: start one with pi-edge serve, or say where with --url"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url.rstrip('/')}/status", timeout=PATIENCE) as answer:
            status = json.load(answer)
    except urllib.error.HTTPError as error:
        raise PiEdgeError(f"{url} answers {error.code}: it is no pi-edge") from None
    except OSError:
        raise PiEdgeError(nobody) from None
    except (ValueError, http.client.HTTPException):
        raise PiEdgeError(
            f"what answers at {url} is no pi-edge: say where it is with --url"
        ) from None
    if not isinstance(status, dict) or not {"state", "models"} <= status.keys():
        raise PiEdgeError(f"what answers at {url} is no pi-edge: say where it is with --url")
    return status


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
        "",
    ]
    width = max((len(name) for name in status["models"]), default=0)
    for name, model in status["models"].items():
        variants = ", ".join(
            variant if told["state"] == model["state"] else f"{variant} ({told['state']})"
            for variant, told in model["variants"].items()
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
