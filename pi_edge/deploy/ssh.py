"""One host over the system's ssh: its keys, configuration, known hosts and jump hosts hold.

A first connection stays open and the commands go through it (ssh_config(5), ControlMaster), so that
whoever must type a password or confirm a host key does so once. That connection ends with this
process, however it ends.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi_edge.errors import PiEdgeError, Unavailable

# A dead network is noticed after 60 s; a board that is busy has its time. The first connection ends
# with this process, whatever else is configured.
_ALIVE = ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4", "-o", "ControlPersist=no")


class CommandFailed(PiEdgeError):
    """A command on the host ended with another exit code than 0.

    Attributes:
        code: its exit code; 255 where ssh itself failed.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Host:
    """A host that can be reached.

    Attributes:
        name: as the user wrote it: a name, USER@NAME, or ssh://USER@NAME:PORT.
        options: what ssh must be told to go through the open connection.
    """

    name: str
    options: tuple[str, ...]

    def start(self, *command: str, **popen: Any) -> subprocess.Popen[bytes]:
        """Start a command on the host; ``popen`` is for subprocess.Popen."""
        return subprocess.Popen(self.argv(*command), **popen)

    def run(self, *command: str, given: bytes = b"", timeout: float | None = None) -> bytes:
        """Run a command on the host to its end and return what it printed.

        Args:
            given: its standard input.
            timeout: seconds.

        Raises:
            CommandFailed: it failed; the message is the last line it printed on stderr.
            Unavailable: it did not end in time.
        """
        try:
            done = subprocess.run(
                self.argv(*command), input=given, capture_output=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"{self.name}: {command[0]} did not end within {timeout:g} s"
            ) from None
        if done.returncode:
            said = last_line(done.stderr) or f"{command[0]} ended with {done.returncode}"
            raise CommandFailed(f"{self.name}: {said}", done.returncode)
        return done.stdout

    def argv(self, *command: str) -> list[str]:
        """The command of this machine that runs ``command`` on the host."""
        return ["ssh", *self.options, "-o", "BatchMode=yes", self.name, shlex.join(command)]


@contextmanager
def connect(name: str, *, ask: bool = True, further: Sequence[str] = ()) -> Iterator[Host]:
    """A connection to a host, open for as long as the block lasts.

    On a terminal ssh may ask for a password or to confirm a new host key; elsewhere nobody is there
    to answer, nor where several connections are opened at once.

    Args:
        ask: whether ssh may ask.
        further: arguments for ssh before the host's name, as in -p 2222.

    Raises:
        Unavailable: it cannot be reached; with ssh's own reason.
    """
    if name.startswith("-"):
        raise Unavailable(f"{name} is no host name")
    with tempfile.TemporaryDirectory(prefix="pi-edge-") as folder, tempfile.TemporaryFile() as said:
        own = ("-o", f"ControlPath={folder}/ssh", *_ALIVE)
        silent = () if ask and sys.stdin.isatty() else ("-o", "BatchMode=yes")
        # cat ends when this process closes its input, by ending: nothing is left behind.
        first = ("-o", "ControlMaster=yes", "-o", "ConnectTimeout=30", *silent)
        # Of what ssh is told twice the first counts.
        options = (*config_of(name), *own, *further)
        master = subprocess.Popen(
            ["ssh", *first, *options, name, "echo open; cat >/dev/null"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            assert master.stdout is not None
            if b"open" not in master.stdout.readline():
                master.wait()
                said.seek(0)
                raise Unavailable(f"{name}: {_advice(name, last_line(said.read()))}")
            yield Host(name, options)
        finally:
            _end(master)


def config_of(name: str) -> tuple[str, ...]:
    """What ssh must be told of a host that only pi-edge knows: an emulated board."""
    written = emulated_boards() / "ssh_config"
    bare = name.rpartition("@")[2]
    return ("-F", str(written)) if bare.startswith("emulated-pi") and written.exists() else ()


def emulated_boards() -> Path:
    """Where scripts/emulated-pi keeps its boards, and the ssh_config that names them."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("PI_EDGE_BOARDS") or Path(cache) / "pi-edge" / "boards")


def forwarded(name: str) -> tuple[str, int] | None:
    """Where this machine reaches port 8080 of an emulated board, which has no address of its own;
    None for any other host."""
    if not config_of(name):
        return None
    board = emulated_boards() / ("32" if name.endswith("-32") else "64") / "board.json"
    try:
        return "127.0.0.1", int(json.loads(board.read_bytes())["http"])
    except (OSError, ValueError, KeyError):
        return None


def last_line(said: bytes) -> str:
    """The last line with something on it."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _advice(name: str, reason: str) -> str:
    if "Host key verification failed" in reason:
        return f"its host key is not known here: connect once by hand (ssh {name}) and confirm it"
    if "Permission denied" in reason:
        return f"it does not let you in ({reason}): ssh-copy-id {name} gives it your key"
    return reason or "ssh ended without a word"


def _end(master: subprocess.Popen[bytes]) -> None:
    if master.stdin:
        master.stdin.close()
    deadline = time.monotonic() + 2
    while master.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    if master.poll() is None:
        master.terminate()
        master.wait()
