"""The service on a whole emulated Raspberry Pi, deployed as a user does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from emulated_board import EmulatedBoard
from support import ROOT, missing

# The boards' light and the laptop's end are those of the tests of deployments.
sys.path += [str(ROOT / "tests" / "emulated_pi" / "boards"), str(ROOT / "tests" / "deploy")]

from light import Light
from standin import Laptop


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedBoard]:
    """A board with pi-edge on it."""
    if not shutil.which("qemu-system-aarch64"):
        missing("no qemu-system-aarch64: apt install qemu-system-arm")
    folder = tmp_path_factory.mktemp("boards")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PI_EDGE_BOARDS", str(folder))
        subprocess.run([ROOT / "scripts/emulated-pi", "start"], check=True)
        machine = EmulatedBoard("emulated-pi", folder / "ssh_config")
        try:
            Laptop(tmp_path_factory.mktemp("laptop"), folder).deploy(machine.name, "--offline")
            machine.connect()
            yield machine
        finally:
            machine.close()
            subprocess.run([ROOT / "scripts/emulated-pi", "stop"], check=True)


@pytest.fixture
def light(deployed: EmulatedBoard) -> Iterator[Light]:
    """The light of a service that is ready, before and after."""
    deployed.root("systemctl start pi-edge")
    with Light(64) as light:
        light.wait_steady(True)
        yield light
        deployed.root("systemctl start pi-edge")
        light.wait_steady(True)
