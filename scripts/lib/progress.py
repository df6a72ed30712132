"""What is going on, for whoever waits: one line a step on stderr."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

_TERMINAL = sys.stderr.isatty()
_EVERY = 0.5 if _TERMINAL else 15.0


def step(text: str) -> None:
    """Say what starts now."""
    print(f"pi-edge: {text}", file=sys.stderr, flush=True)


def watch(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait for ``process``, showing the newest line of its ``log``. Returns its exit code."""
    start = time.monotonic()
    try:
        while True:
            try:
                return process.wait(_EVERY)
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - start
                line = f"  {seconds:4.0f} s  {_last_line(log)[:66]}"
                if _TERMINAL:
                    line = f"\r\x1b[K{line}"
                print(line, end="" if _TERMINAL else "\n", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        process.wait()  # the terminal sent it the same signal
        raise
    finally:
        if _TERMINAL:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line and "WARNING" not in line), "...")
