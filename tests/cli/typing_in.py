"""A person at a terminal: what a program shows there, and what happens at the Tab key."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE = 30.0


class Terminal:
    """A program on a pseudo-terminal of 200 columns."""

    def __init__(
        self, command: Sequence[str | Path], environ: Mapping[str, str], folder: Path | None = None
    ) -> None:
        self._ours, theirs = pty.openpty()
        subprocess.run(["stty", "cols", "200", "rows", "50"], stdin=theirs, check=True)
        self.process = subprocess.Popen(
            list(command), stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, text: str, since: int = 0) -> None:
        """Wait until it shows ``text``, behind the first ``since`` characters."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown[since:]:
            assert time.monotonic() < deadline, f"{text!r} never came, only {self.shown!r}"
            assert self._read(), f"it ended without {text!r}: {self.shown!r}"

    def end(self) -> int:
        """All that it shows until it ends; its exit code."""
        while self._read():
            pass
        code = self.process.wait(PATIENCE)
        os.close(self._ours)
        return code

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], PATIENCE)
        assert ready, f"nothing came any more after {self.shown!r}"
        try:
            piece = os.read(self._ours, 1 << 16)
        except OSError:  # EIO: nobody holds the other end
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)
