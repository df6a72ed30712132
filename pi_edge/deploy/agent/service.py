"""The daemon as systemd runs it: whether it is ready, and what it said last."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from pi_edge import tls

NAME = "pi-edge.service"
_POLL = 0.5
_CRASHES = 3
# State of a listening socket in /proc/net/tcp (Linux, include/net/tcp_states.h).
_LISTEN = "0A"


def systemctl(*arguments: str) -> str:
    """What systemctl printed, "" where it failed."""
    done = subprocess.run(
        ["systemctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return done.stdout.strip() if done.returncode == 0 else ""


@dataclass(frozen=True)
class State:
    """The unit as it is now.

    Attributes:
        active: active, activating, inactive, failed, ...
        pid: the daemon's; 0 without one.
        restarts: how often systemd started it again by itself.
        text: what it said of itself: ready, starting, failed, ...
    """

    active: str
    pid: int
    restarts: int
    text: str

    @classmethod
    def now(cls, unit: str = NAME) -> State:
        shown = dict(
            line.partition("=")[::2]
            for line in systemctl(
                "show", unit, "-p", "ActiveState,MainPID,NRestarts,StatusText"
            ).splitlines()
        )
        return cls(
            shown.get("ActiveState", ""),
            int(shown.get("MainPID") or 0),
            int(shown.get("NRestarts") or 0),
            shown.get("StatusText", ""),
        )


def is_ready() -> bool:
    """Whether the daemon runs and answers that it is ready."""
    state = State.now()
    return state.active == "active" and any(map(_answers, addresses(state.pid)))


def wait_until_ready(former: int, limit: float) -> str:
    """Wait for another process than ``former`` to be ready.

    Args:
        former: process that served before.
        limit: seconds.

    Returns:
        "" or why it is not.
    """
    since = time.time()
    deadline = time.monotonic() + limit
    state = State.now()
    while time.monotonic() < deadline:
        state = State.now()
        if state.pid not in (0, former) and state.active == "active" and is_ready():
            return ""
        if state.restarts >= _CRASHES:
            return f"it ended {state.restarts} times: {last_words(since) or 'without a word'}"
        time.sleep(_POLL)
    said = last_words(since) or state.text
    return f"it was not ready within {limit:g} s" + (f": {said}" if said else "")


def last_words(since: float) -> str:
    """The last line that the daemon logged and that tells what went wrong.

    Args:
        since: seconds since 1970.
    """
    done = subprocess.run(
        [
            *("journalctl", f"_SYSTEMD_UNIT={NAME}", f"--since=@{since - 1:.0f}"),
            *("--output=cat", "--no-pager", "--lines=100"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    telling = [line for line in lines if not line.startswith(("INFO", "WARNING", "--"))]
    return next(filter(None, reversed(telling)), "")


def addresses(pid: int) -> list[tuple[str, int]]:
    """Where a process listens: host and port of each socket."""
    opened = set()
    with contextlib.suppress(OSError):  # the process ended
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed in the meantime
                opened.add(str(path.readlink()))
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and f"socket:[{fields[9]}]" in opened:
                host, _, port = fields[1].rpartition(":")
                found.append((_readable(host), int(port, 16)))
    return found


def _readable(host: str) -> str:
    """An address of /proc/net/tcp or tcp6: words of 4 bytes in this machine's order."""
    words = (bytes.fromhex(host[start : start + 8]) for start in range(0, len(host), 8))
    little = sys.byteorder == "little"
    return str(ipaddress.ip_address(b"".join(word[::-1] if little else word for word in words)))


def reached(address: tuple[str, int]) -> tuple[str, int]:
    """Host and port by which this machine itself reaches a listening socket."""
    host, port = address
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def url_of(address: tuple[str, int]) -> str:
    """The same as the start of an address."""
    host, port = reached(address)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def ask(address: tuple[str, int], path: str, headers: dict[str, str], seconds: float) -> bytes:
    """What the daemon answers at a socket of this machine, by HTTP or, where it speaks that, HTTPS.

    Raises:
        OSError: nobody answers, or with an error.
    """
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls.own_context())
    )
    plain = url_of(address)
    try:
        return _body(opener, plain + path, headers, seconds)
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException):
        return _body(opener, plain.replace("http", "https", 1) + path, headers, seconds)


def _body(
    opener: urllib.request.OpenerDirector, url: str, headers: dict[str, str], seconds: float
) -> bytes:
    with opener.open(urllib.request.Request(url, headers=headers), timeout=seconds) as answer:
        body: bytes = answer.read()
        return body


def _answers(address: tuple[str, int]) -> bool:
    try:
        ask(address, "/v2/health/ready", {}, 10)
    except OSError:
        return False
    return True
