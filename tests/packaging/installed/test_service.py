"""Debian's packages on a machine that runs: a real systemd, booted in a container."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any, cast

import pytest
from container import Container
from roots import PC, Installation, installation, obstacle
from support import ROOT, missing

BOOT = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
root=$2/root
shift 2
exec systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --link-journal=no \\
    --private-network "$@" --boot systemd.unified_cgroup_hierarchy=1
"""


class Machine(Container):
    """A booted system with Debian's packages at hand."""

    def __init__(self, system: Installation) -> None:
        self.system = system
        self.log = (system.layer / "boot.log").open("w+")
        options = [f"--bind-ro={ROOT}/dist:/mnt/dist", f"--bind-ro={ROOT}/docs:/mnt/docs"]
        options.append(f"--machine=pi-edge-packages-{os.getpid()}")
        boot = ["unshare", "--mount", "sh", "-ec", BOOT, "boot", system.system, system.layer]
        self.process = subprocess.Popen(
            [*boot, *options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.wait_for(self.is_up)

    def install(self) -> None:
        """Install the newest packages, over those that are there or afresh."""
        # Without a network: Debian's part is there.
        names = " ".join(f"/mnt/dist/{path.name}" for path in self.system.packages())
        self.run(f"DEBIAN_FRONTEND=noninteractive dpkg --install {names}")

    def ask(self, address: str, file: str = "") -> Any:
        """The daemon's answer, from JSON."""
        body = f"open('{file}', 'rb').read()" if file else "None"
        code = (
            "import urllib.request as r;"
            f"print(r.urlopen('http://127.0.0.1:8080{address}', {body}).read().decode())"
        )
        return cast(Any, json.loads(self.run(f'python3 -c "{code}"')))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with the packages installed."""
    if reason := obstacle(PC):
        missing(reason)
    for program in ("systemd-nspawn", "nsenter", "unshare"):
        if not shutil.which(program):
            missing(f"no {program}: apt install systemd-container util-linux")
    with installation(PC, tmp_path_factory.mktemp("machine")) as system:
        machine = Machine(system)
        try:
            machine.install()
            yield machine
        finally:
            machine.close()


def test_it_serves_as_soon_as_it_is_installed(machine: Machine) -> None:
    assert machine.show("ActiveState") == "active"
    assert machine.show("StatusText") == "ready"
    assert machine.ask("/tasks/digits", "/mnt/docs/pictures/seven.jpg")["digit"] == 7


def test_it_runs_as_its_own_user_in_its_sandbox(machine: Machine) -> None:
    lines = machine.run(f"cat /proc/{machine.show('MainPID')}/status").splitlines()
    process = dict(line.split(":\t", 1) for line in lines)
    assert process["Uid"].split() == [machine.run("id -u pi-edge").strip()] * 4
    assert int(process["CapEff"], 16) == int(process["CapBnd"], 16) == 0
    assert (process["NoNewPrivs"], process["Seccomp"]) == ("1", "2")


def test_systemd_finds_nothing_wrong_with_its_units(machine: Machine) -> None:
    assert machine.run("systemd-analyze verify pi-edge.service pi-edge-learn@x.service 2>&1") == ""


def test_a_member_of_its_group_adds_a_model(machine: Machine) -> None:
    machine.run("useradd --groups pi-edge maker")
    model = "/usr/share/pi-edge/models/mnist-mlp/float32.tflite"
    machine.run(f"su maker -c 'cp {model} /var/lib/pi-edge/models/mine.tflite'")
    machine.wait_for(
        lambda: machine.ask("/status")["models"].get("mine", {}).get("state") == "ready"
    )


def test_an_upgrade_starts_it_again_and_keeps_its_models(machine: Machine) -> None:
    before = machine.show("MainPID")
    machine.install()
    assert machine.show("ActiveState") == "active"
    assert machine.show("MainPID") not in ("0", before)
    assert machine.ask("/status")["models"]["mine"]["state"] == "ready"


def test_a_service_that_was_disabled_stays_so(machine: Machine) -> None:
    machine.run("systemctl disable --quiet --now pi-edge")
    machine.install()
    assert machine.run("systemctl is-enabled pi-edge", check=False).strip() == "disabled"
    machine.run("systemctl enable --quiet --now pi-edge")


def test_where_a_checkout_serves_they_are_refused_with_what_to_do(machine: Machine) -> None:
    unit = "/etc/systemd/system/pi-edge.service"
    machine.run(f"dpkg --remove pi-edge; cp /etc/fstab {unit}")
    try:
        (package,) = (path for path in machine.system.packages() if "_all" in path.name)
        said = machine.run(f"dpkg --install /mnt/dist/{package.name} 2>&1", check=False)
        assert "scripts/install-service --uninstall" in said
        assert machine.run("ls /usr/bin/pi-edge", check=False) == ""
    finally:
        machine.run(f"rm {unit}; systemctl daemon-reload")
        machine.install()


def test_removing_stops_it_and_the_nights_in_which_a_model_learns(machine: Machine) -> None:
    machine.run("systemctl enable --quiet --now pi-edge-learn@stocks.timer")
    machine.run("dpkg --remove pi-edge")
    assert machine.run("systemctl is-active pi-edge", check=False).strip() == "inactive"
    timer = machine.run("systemctl is-active pi-edge-learn@stocks.timer", check=False)
    assert timer.strip() == "inactive"
    machine.run("dpkg --purge pi-edge pi-edge-runtime")
    assert machine.run("find /etc /var/lib/pi-edge -name '*pi-edge*'", check=False).split() == []
