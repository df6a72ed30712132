"""The asking end of pi_edge.benchmark.worker: one measuring process, here or on a host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any, BinaryIO

from pi_edge.benchmark.worker import PROTOCOL
from pi_edge.deploy import ssh
from pi_edge.errors import PiEdgeError, Unavailable

MODULE = ("-P", "-m", "pi_edge.benchmark.worker")

PYTHON_THERE = "/opt/pi-edge/current/.venv/bin/python"

# Nothing asked for takes longer: the worker gives up on its own children before that.
ANSWER_SECONDS = 900.0


class Lost(Unavailable):
    """The measuring process, or the way to it, is gone."""


class Session:
    """A measuring process.

    Attributes:
        name: what to call its machine.
        machine: what machine.describe says there.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], said: BinaryIO) -> None:
        self.name, self.process, self._said = name, process, said
        self.machine: Mapping[str, Any] = {}

    def greet(self) -> None:
        """Read the greeting.

        Raises:
            Unavailable: pi-edge is not there, or not the same release, or it does not work there.
        """
        try:
            greeting = self._answer()
        except Lost as lost:
            raise Unavailable(self._why_silent(str(lost))) from None
        if greeting.get("protocol") != PROTOCOL:
            raise Unavailable(f"{self.name}: {_another_release(self.name)}")
        if "error" in greeting:
            raise Unavailable(f"{self.name}: {greeting['error']}")
        self.machine = greeting["machine"]

    def ask(self, do: str, *, body: bytes = b"", **more: Any) -> dict[str, Any]:
        """The answer to one request of the worker's.

        Raises:
            Lost: there is nobody left to answer.
            PiEdgeError: it did not work there.
        """
        assert self.process.stdin is not None
        # A connection that ended shows in the answer, which does not come.
        with suppress(OSError):
            self.process.stdin.write(json.dumps({"do": do, **more}).encode() + b"\n" + body)
            self.process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise PiEdgeError(f"{self.name}: {answer['error']}")
        return answer

    def supply(self, needed: Mapping[str, Path]) -> int:
        """Send what of these files, by SHA-256, is not there yet; return how many bytes it was."""
        sent = 0
        for sha256 in self.ask("lacks", files=list(needed))["lacks"]:
            contents = needed[sha256].read_bytes()
            self.ask("put", file=sha256, bytes=len(contents), body=contents)
            sent += len(contents)
        return sent

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        late = Timer(ANSWER_SECONDS, self.process.kill)
        late.daemon = True
        late.start()
        try:
            line = self.process.stdout.readline()
            answer = json.loads(line)
        except (ValueError, OSError):
            # Half an answer: whatever came after it would mean nothing.
            why = self._ending()
            if late.finished.is_set():
                why = f"no answer within {ANSWER_SECONDS:g} s"
            raise Lost(f"{self.name}: {why}") from None
        finally:
            late.cancel()
        if not isinstance(answer, dict):
            raise Lost(f"{self.name}: {answer!r} is no answer")
        return answer

    def _ending(self) -> str:
        end(self.process)
        self._said.seek(0)
        return ssh.last_line(self._said.read()) or "the connection was lost"

    def _why_silent(self, lost: str) -> str:
        if "No module named" in lost:
            return f"{self.name}: {_another_release(self.name)}"
        if self.process.returncode == 127:
            return f"{self.name}: pi-edge is not there: scripts/deploy {self.name}"
        return lost


@contextmanager
def here() -> Iterator[Session]:
    """A measuring process on this machine."""
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory(prefix="pi-edge-bench-") as cache:
        command = [sys.executable, *MODULE, "--cache", cache]
        with _session("here", command, {**os.environ, "PYTHONPATH": path}) as session:
            yield session


@contextmanager
def there(host: ssh.Host, python: str = PYTHON_THERE) -> Iterator[Session]:
    """A measuring process on a host that pi-edge was deployed to.

    Args:
        python: the interpreter of the release there.

    Raises:
        Unavailable: pi-edge is not there, or another release.
    """
    with _session(host.name, host.argv(python, *MODULE), None) as session:
        yield session


@contextmanager
def _session(name: str, command: list[str], env: Mapping[str, str] | None) -> Iterator[Session]:
    with tempfile.TemporaryFile() as said:
        # A group of its own: Ctrl-C is for whoever asks, and what it started ends with it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=env,
            start_new_session=True,
        )
        try:
            session = Session(name, process, said)
            session.greet()
            yield session
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Let it end by itself, having nothing more to read; else make it, with what it started."""
    with suppress(OSError):
        if process.stdin:
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(2)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def _another_release(name: str) -> str:
    return f"another release of pi-edge is there, deploy the same: scripts/deploy {name}"
