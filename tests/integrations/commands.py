"""Commands that run until they are told to stop, in processes of their own."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from running import PATIENCE, wait_until
from support import ROOT


class Running:
    """One such command, and what it has said so far."""

    def __init__(self, arguments: tuple[str, ...], folder: Path) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pi_edge", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=ROOT,
                # As at a terminal: what a shell starts in the background ignores Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    @property
    def said(self) -> str:
        return self._out.read_text()

    @property
    def complained(self) -> str:
        return self._err.read_text()

    def lines(self, count: int) -> list[str]:
        """Its output, once it has so many lines."""
        wait_until(lambda: self.said.count("\n") >= count or self.process.poll() is not None)
        assert self.said.count("\n") >= count, self.complained
        return self.said.splitlines()

    def documents(self, count: int) -> list[Any]:
        """The same from JSON."""
        return [json.loads(line) for line in self.lines(count)]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit status after a signal."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def running(*arguments: object) -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        command = Running(tuple(map(str, arguments)), Path(folder))
        try:
            yield command
        finally:
            if command.process.poll() is None:
                command.process.kill()
            command.process.wait()
