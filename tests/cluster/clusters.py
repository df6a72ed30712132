"""A Dask scheduler and its workers on this machine's loopback, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from running import wait_until
from support import ROOT, end

PYTHON = (sys.executable, "-m")


@dataclass
class Cluster:
    """A scheduler that answers, and the workers it was given."""

    folder: Path
    scheduler: subprocess.Popen[bytes]
    url: str
    flags: Sequence[str] = ()
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(
        self, *flags: str, nanny: bool = False, environ: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """One more worker."""
        log = self.folder / f"worker{len(self.workers)}.log"
        command = [*PYTHON, "distributed.cli.dask_worker", self.url, "--nthreads", "1"]
        command += ["--memory-limit", "0", "--no-dashboard", *self.flags, *flags]
        command += ["--local-directory", str(self.folder), "--death-timeout", "60"]
        command += [] if nanny else ["--no-nanny"]
        process = _started(command, log, environ)
        self.workers.append(process)
        wait_until(lambda: "Registered to" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        return process

    def log(self, worker: int) -> str:
        return (self.folder / f"worker{worker}.log").read_text()


@contextlib.contextmanager
def running_cluster(
    folder: Path,
    workers: int,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Sequence[str] = (),
) -> Iterator[Cluster]:
    """A cluster on a free port, ended at the end.

    Args:
        environ: set for the workers.
        flags: for the scheduler and all workers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told, log = folder / "scheduler.json", folder / "scheduler.log"
    command = [*PYTHON, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    command += ["--no-dashboard", "--scheduler-file", str(told), *flags]
    scheduler = _started(command, log)
    cluster = Cluster(folder, scheduler, "", flags)
    try:
        wait_until(lambda: told.exists() or scheduler.poll() is not None)
        assert scheduler.poll() is None, log.read_text()
        cluster.url = wait_until(lambda: _address(told))
        for _ in range(workers):
            cluster.add(environ=environ)
        yield cluster
    finally:
        for process in (*cluster.workers, scheduler):
            end(process)


def _started(
    command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore", **(environ or {})},
        )


def _address(told: Path) -> str:
    try:
        return str(json.loads(told.read_text())["address"])
    except ValueError:  # still being written
        return ""
