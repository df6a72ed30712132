"""The load: wrk, which costs little enough itself to show what the server can do."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pi_edge.errors import PiEdgeError

SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True)
class Request:
    """What is posted: the body's file, and headers."""

    body: Path
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Load:
    """One run of wrk: requests answered, and a second; latencies in milliseconds; processor
    time of the server per request in microseconds, where somebody measured it."""

    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float = 0.0


def check_wrk() -> None:
    """Raises PiEdgeError where wrk is not installed."""
    if not shutil.which("wrk"):
        raise PiEdgeError("wrk is not installed: apt-get install wrk")


def put(url: str, request: Request, connections: int, seconds: int) -> Load:
    """Post the request again and again over so many connections.

    Raises:
        PiEdgeError: wrk failed, or one answer was not 200.
    """
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(SCRIPT), url]
    done = subprocess.run(
        [*command, "--", str(request.body), *headers],
        capture_output=True,
        text=True,
        timeout=seconds + 30,
    )
    if done.returncode:
        raise PiEdgeError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    return parse(done.stdout)


def parse(output: str) -> Load:
    """What post.lua printed last.

    Raises:
        PiEdgeError: nothing was answered, or something not with 200.
    """
    try:
        told = json.loads(output.splitlines()[-1])
        errors = {name: count for name, count in told["errors"].items() if count}
        load = Load(
            requests=told["requests"],
            rate=told["requests"] / (told["duration_us"] / 1e6),
            p50_ms=told["p50_us"] / 1e3,
            p99_ms=told["p99_us"] / 1e3,
        )
    except (IndexError, ValueError, KeyError, TypeError, ZeroDivisionError):
        raise PiEdgeError(f"wrk printed no figures: {output.strip()!r}") from None
    if not told["requests"]:
        raise PiEdgeError("the server answered no request while under load")
    if errors:
        raise PiEdgeError(f"beside {told['requests']} answers there were errors: {errors}")
    return load
