"""A whole command, from exec to exit: how long, how much processor time, how much memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pi_edge.errors import PiEdgeError


@dataclass(frozen=True)
class Run:
    """One run: seconds by the clock, of processor time, and most resident bytes."""

    wall: float
    processor: float
    peak: int


def run(command: Sequence[str | Path], log: Path, environ: Mapping[str, str] | None = None) -> Run:
    """Run it once. Its peak is at least what this process has now, which it begins as: so this one
    is to stay small.

    Raises:
        PiEdgeError: it did not work; with its last line.
    """
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environ or {})},
        )
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        lines = log.read_text(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit status {process.returncode}"
        raise PiEdgeError(f"{Path(command[0]).name} {command[-1]}: {reason}")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Medians over the rounds, the range of times, the largest memory."""
    return {
        "wall_seconds": median(run.wall for run in runs),
        "wall_min": min(run.wall for run in runs),
        "wall_max": max(run.wall for run in runs),
        "processor_seconds": median(run.processor for run in runs),
        "peak_bytes": max(run.peak for run in runs),
        "rounds": len(runs),
    }
