"""Which models to measure, and measuring them one after the other, each in its own process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pi_edge import catalog, files, nearest
from pi_edge.benchmark import machine
from pi_edge.errors import NotFound, PiEdgeError

# A process that has not answered by then never will: some models never return from a run.
TIME_LIMIT_SECONDS = 180.0

# -P keeps files that lie in the caller's folder from posing as modules.
CHILD = (sys.executable, "-P", "-m", "pi_edge.benchmark.child")

FORMAT = "pi-edge benchmark 1"


@dataclass(frozen=True)
class Job:
    """One line of the table: a model's variant on so many threads."""

    model: str
    variant: str
    file: Path
    threads: int


def jobs(
    entries: Mapping[str, catalog.Entry], names: Sequence[str], variant: str, threads: Sequence[int]
) -> list[Job]:
    """What to measure: the models named, or all; one variant of each, or all.

    Raises:
        NotFound: a model named does not exist or lacks the variant, or nothing is left.
    """
    chosen = []
    for entry in [catalog.pick(entries, name) for name in names] or entries.values():
        if names and variant:
            entry.file(variant)
        variants = [variant] if variant else list(entry.files)
        for one in variants:
            if one in entry.files:
                chosen += [Job(entry.name, one, entry.files[one], n) for n in threads]
    if not chosen:
        known = {one for entry in entries.values() for one in entry.files}
        near = nearest.nearest(variant, known)
        meant = f" (did you mean {near!r}?)" if near else ""
        what = f"no model has a variant {variant!r}{meant}" if entries else "there are no models"
        raise NotFound(f"{what}: nothing to measure")
    return chosen


def default_threads(cores: int) -> list[int]:
    """1 to ``cores`` in powers of two, and ``cores`` itself.

    >>> default_threads(6)
    [1, 2, 4, 6]
    """
    counts = [2**n for n in range(cores.bit_length()) if 2**n < cores]
    return [*counts, cores]


def run(
    todo: Iterable[Job],
    limits: Mapping[str, Any] | None = None,
    begin: Callable[[Job], None] = lambda job: None,
    done: Callable[[dict[str, Any]], None] = lambda row: None,
    root: Path = machine.ROOT,
) -> dict[str, Any]:
    """Measure every job.

    Args:
        todo: the jobs.
        limits: fields of measure.Limits that differ from the default.
        begin: called with each job before it is measured.
        done: called with each row as soon as it is there.
        root: where /proc and /sys are.

    Returns:
        The report, ready for JSON: ``format``, ``measured`` (UTC), ``emulated``, ``machine``,
        ``before`` and ``after`` (machine.conditions) and ``rows``: model, variant, threads,
        bytes, sha256, throttled (words), error (or None) and what child.run returns.
    """
    report: dict[str, Any] = {
        "format": FORMAT,
        "measured": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    about = machine.describe(root)
    report |= {"emulated": about["emulated"], "machine": about}
    before = report["before"] = machine.conditions(root)
    rows = report["rows"] = []
    for job in todo:
        begin(job)
        row = measure(job, limits or {})
        after = machine.conditions(root)
        row["throttled"] = machine.throttling_between(before["throttled"], after["throttled"])
        rows.append(row)
        done(row)
        before = after
    report["after"] = before
    return report


def measure(
    job: Job,
    limits: Mapping[str, Any],
    time_limit: float = TIME_LIMIT_SECONDS,
    child: Sequence[str] = CHILD,
    **wanted: Any,
) -> dict[str, Any]:
    """One row, measured by the command ``child``. Where the model does not work, ``error`` says
    so in one line. ``wanted``: what else child.run can be asked for."""
    row: dict[str, Any] = {
        "model": job.model,
        "variant": job.variant,
        "threads": job.threads,
        "bytes": None,
        "sha256": None,
        "error": None,
    }
    try:
        row |= {"bytes": job.file.stat().st_size, "sha256": files.sha256(job.file)}
    except OSError as error:
        return row | {"error": f"cannot read {job.file}: {error.strerror}"}
    ask = {
        "file": str(job.file),
        "folder": str(job.file.parent),
        "threads": job.threads,
        "limits": limits,
        **wanted,
    }
    try:
        row |= json.loads(ask_child(child, ask, time_limit))
    except PiEdgeError as error:
        row["error"] = str(error)
    return row


def ask_child(child: Sequence[str], ask: Mapping[str, Any], time_limit: float) -> bytes:
    """What a process of its own prints that gets ``ask`` as JSON.

    Args:
        child: its command.
        time_limit: seconds.

    Raises:
        PiEdgeError: it failed, crashed or did not end in time, in one line.
    """
    # The package may be importable only because it lies in the caller's folder.
    package = str(Path(__file__).resolve().parent.parent.parent)
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    try:
        ended = subprocess.run(
            child,
            input=json.dumps(ask).encode(),
            capture_output=True,
            timeout=time_limit,
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        raise PiEdgeError(f"no answer within {time_limit:g} s") from None
    if ended.returncode:
        lines = [line.strip() for line in ended.stderr.decode(errors="replace").splitlines()]
        last = ([line for line in lines if line] or [""])[-1]
        raise PiEdgeError(f"{_ending(ended.returncode)}{last}")
    return ended.stdout


def _ending(code: int) -> str:
    if code == 1:
        return ""
    if code > 0:
        return f"the measuring process ended with status {code}: "
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"crashed the measuring process ({name}): "
