"""A batch on workers of Debian's own Dask: pi-edge and Dask from packages alone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from roots import Installation, installation

SEVEN = "/usr/share/doc/pi-edge/examples/seven.jpg"
PYTHON = "/usr/lib/pi-edge/bin/python"


@pytest.fixture(scope="module")
def system(bare: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A system with pi-edge and Dask; not the one on which others look for what pi-edge leaves."""
    with installation(bare.recipe, tmp_path_factory.mktemp("dask")) as own:
        apt = ("apt-get", "install", "--yes", "--no-install-recommends")
        own.run("apt-get", "update")
        own.run(*apt, *map(str, own.packages()), "python3-distributed")
        yield own


def test_two_workers_read_what_one_machine_reads(system: Installation, tmp_path: Path) -> None:
    dask = (PYTHON, "-m")
    scheduler = (*dask, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
    worker = (*dask, "distributed.cli.dask_worker", "--nthreads", "1", "--memory-limit", "0")
    command = ("pi-edge", "predict", "mnist-cnn", *[SEVEN] * 6, "--json")
    with contextlib.ExitStack() as stack:
        log, address = tmp_path / "scheduler", r"tcp://[\d.]+:\d+"
        begun = system.running(log, address, *scheduler, "--no-dashboard")
        url = stack.enter_context(begun)[0]
        for number in range(2):
            flags = ("--no-nanny", "--no-dashboard", "--local-directory", f"/tmp/{number}")
            log = tmp_path / str(number)
            stack.enter_context(system.running(log, "Registered to", *worker, *flags, url))
        dealt = json.loads(system.run(*command, "--cluster", url))
    alone = json.loads(system.run(*command))
    assert [one["number"] for one in alone] == ["7"] * 6
    assert dealt == alone
