"""The laptop's end of the conversation with the agent on a Pi (pi_edge/deploy/agent/laptop.py)."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pi_edge.deploy import archive
from pi_edge.deploy.manifest import File
from pi_edge.deploy.ssh import Host, last_line
from pi_edge.errors import PiEdgeError, Unavailable

Say = Callable[[str], None]

PYTHON = "/usr/bin/python3"
_PIECE = 1 << 18
_EVERY = 0.3  # seconds between two words on how far it is


class Agent:
    """The agent on a host, to be asked one thing after the other."""

    def __init__(self, host: Host, process: subprocess.Popen[bytes], said: Any, say: Say) -> None:
        self.host, self.say = host, say
        self._process, self._said = process, said

    def ask(self, what: str, **facts: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer.

        Raises:
            PiEdgeError: it could not be done; the agent's own words.
            Unavailable: the agent or the connection ended.
        """
        self._send(json.dumps({"do": what, **facts}).encode() + b"\n")
        return self._answer()

    def give(self, files: Sequence[File]) -> None:
        """Send the contents of files.

        Raises:
            PiEdgeError, Unavailable: as ``ask``.
        """
        blobs = [(file.sha256, file.size) for file in files]
        self._send(json.dumps({"do": "receive", "blobs": blobs}).encode() + b"\n")
        total, sent = sum(file.size for file in files), 0
        told = time.monotonic()
        for file in files:
            for piece in _pieces(file.source, file.size):
                self._send(piece)
                sent += len(piece)
                if time.monotonic() > told + _EVERY:
                    told = time.monotonic()
                    self.say(f"sending {sent / 1e6:.1f} of {total / 1e6:.1f} MB")
        self._answer()

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            self._answer()  # it may have said why before it ended
            raise self._lost() from None

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue  # what something else printed
            if "say" in message:
                self.say(message["say"])
            elif "failed" in message:
                raise PiEdgeError(message["failed"])
            else:
                return dict(message["answer"])
        raise self._lost()

    def _lost(self) -> Unavailable:
        """What to say when nobody is there any more."""
        with contextlib.suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        self._process.wait()
        self._said.seek(0)
        said = last_line(self._said.read())
        return Unavailable(
            f"the connection was lost{f' ({said})' if said else ''}: the same command goes on"
            " from here"
        )


@contextlib.contextmanager
def agent(host: Host, say: Say) -> Iterator[Agent]:
    """Send the agent to a host and start it there, as root; it ends with the block."""
    program = archive.build()
    with tempfile.TemporaryFile() as said:
        process = host.start(
            *("sudo", "-n", PYTHON, "-I", "-c", archive.BOOT, str(len(program))),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        try:
            there = Agent(host, process, said, say)
            there._send(program)
            yield there
        finally:
            with contextlib.suppress(OSError):
                if process.stdin:
                    process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    """So many bytes of a file; fewer only where it has become shorter."""
    with path.open("rb") as file:
        while size:
            piece = file.read(min(size, _PIECE))
            if not piece:
                raise PiEdgeError(f"{path} changed while it was being sent: deploy again")
            yield piece
            size -= len(piece)
