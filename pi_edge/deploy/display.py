"""Several hosts at once for whoever watches: a block of lines that change on a terminal, one line
a step elsewhere, and one table at the end."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from typing import TextIO

# Numbers that count up, as in "sending 1.5 of 8.0 MB": elsewhere than on a terminal such a line is
# repeated only now and then.
_NUMBERS = re.compile(r"[\d.]+")
_EVERY = 15.0


class Display:
    """What each host is at. ``say`` may be called from any thread."""

    def __init__(self, hosts: Sequence[str], out: TextIO = sys.stderr) -> None:
        self._hosts = list(hosts)
        self._out = out
        self._live = out.isatty()
        self._width = max(map(len, hosts), default=0)
        self._lines = dict.fromkeys(hosts, "")
        self._told = dict.fromkeys(hosts, ("", 0.0))
        self._lock = threading.Lock()
        self._drawn = 0

    def say(self, host: str, line: str) -> None:
        """A host's newest line."""
        with self._lock:
            self._lines[host] = line
            if self._live:
                self._draw()
                return
            kind, now = _NUMBERS.sub("#", line), time.monotonic()
            before, then = self._told[host]
            if kind != before or now > then + _EVERY:
                self._told[host] = (kind, now)
                self._print(f"{host:{self._width}}  {line}")

    def end(self, host: str, line: str) -> None:
        """A host's last line, which stays."""
        with self._lock:
            self._lines[host] = line
            if self._live:
                self._draw()
            else:
                self._print(f"{host:{self._width}}  {line}")

    def _draw(self) -> None:
        columns = shutil.get_terminal_size().columns
        block = "".join(
            f"\r\x1b[K{f'{host:{self._width}}  {self._lines[host]}'[: columns - 1]}\n"
            for host in self._hosts
        )
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._out.write(up + block)
        self._out.flush()
        self._drawn = len(self._hosts)

    def _print(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the last one as wide as it likes."""
    everything = [list(heads), *map(list, rows)]
    widths = [max(len(row[column]) for row in everything) for column in range(len(heads))]
    widths[-1] = 0
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    )
