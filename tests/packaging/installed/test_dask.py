"""A batch on workers of Debian's own Dask: pi-edge and Dask from packages alone."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from roots import Installation

SEVEN = "/usr/share/doc/pi-edge/examples/seven.jpg"
PYTHON = "/usr/lib/pi-edge/bin/python"
PATIENCE_SECONDS = 600.0


@contextlib.contextmanager
def running(
    system: Installation, log: Path, ready: str, *arguments: str
) -> Iterator[re.Match[str]]:
    """One of Dask's processes, once it has said what it says when it is ready."""
    with log.open("w") as output:
        process = system.start(PYTHON, "-m", *arguments, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(ready, log.read_text())):
            ended = process.poll() is not None or time.monotonic() > deadline
            assert not ended, log.read_text()
            time.sleep(0.5)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def system(bare: Installation) -> Installation:
    """A system with pi-edge and Dask."""
    packages = map(str, bare.packages())
    apt = ("apt-get", "install", "--yes", "--no-install-recommends")
    bare.run("apt-get", "update")
    bare.run(*apt, *packages, "python3-distributed")
    return bare


def test_two_workers_read_what_one_machine_reads(system: Installation, tmp_path: Path) -> None:
    scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
    worker = ("distributed.cli.dask_worker", "--nthreads", "1", "--memory-limit", "0")
    command = ("pi-edge", "predict", "mnist-cnn", *[SEVEN] * 6, "--json")
    with contextlib.ExitStack() as open_now:
        started = running(
            system, tmp_path / "scheduler", r"tcp://[\d.]+:\d+", *scheduler, "--no-dashboard"
        )
        address = open_now.enter_context(started)[0]
        for number in range(2):
            flags = ("--no-nanny", "--no-dashboard", "--local-directory", f"/tmp/{number}")
            log = tmp_path / str(number)
            open_now.enter_context(running(system, log, "Registered to", *worker, *flags, address))
        dealt = json.loads(system.run(*command, "--cluster", address))
    alone = json.loads(system.run(*command))
    assert [one["number"] for one in alone] == ["7"] * 6
    assert dealt == alone
