"""The units that let a model learn: what systemd knows of them, and what they hold a learner to."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT, missing

SERVICE, TIMER = "pi-edge-learn@.service", "pi-edge-learn@.timer"

# Of the daemon's sandbox what is about its light, or about files that both processes may share.
NOT_FOR_A_LEARNER = {
    *("DeviceAllow=char-gpiochip rw", "DeviceAllow=/dev/gpiomem rw"),
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "RemoveIPC=yes",
}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as install-service writes them for this checkout."""
    if not shutil.which("systemd-analyze"):
        missing("no systemd-analyze (package systemd)")
    for name in (SERVICE, TIMER, "pi-edge.service"):
        text = (ROOT / "systemd" / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/pi-edge/.venv", str(Path(sys.prefix))))
    return tmp_path


@pytest.mark.parametrize("name", [SERVICE, TIMER])
def test_the_unit_has_no_fault_that_systemd_knows_of(installed: Path, name: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(installed / name)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_sandbox_is_as_closed_as_the_docs_say(installed: Path) -> None:
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--no-pager"),
            str(installed / SERVICE),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level
    assert f"an exposure of {level[1]}" in (ROOT / "docs" / "learning.md").read_text()


def settings(name: str, heading: str = "CapabilityBoundingSet=") -> list[str]:
    """A unit's lines from its sandbox on."""
    text = (ROOT / "systemd" / name).read_text()
    lines = text[text.index(f"\n{heading}") :].partition("\n[")[0].splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_whatever_holds_the_daemon_holds_a_learner() -> None:
    daemons = set(settings("pi-edge.service"))
    assert daemons >= NOT_FOR_A_LEARNER
    assert daemons - set(settings(SERVICE)) == NOT_FOR_A_LEARNER


def test_a_learner_has_neither_network_nor_devices() -> None:
    wanted = {"PrivateNetwork=yes", "PrivateDevices=yes", "RestrictAddressFamilies=AF_UNIX"}
    assert wanted <= set(settings(SERVICE))


def test_a_learner_is_the_daemons_user_and_keeps_its_state_where_the_daemon_looks() -> None:
    same = ("User", "Group", "UMask", "Environment=PI_EDGE_STATE", "StateDirectoryMode")
    lines = {
        name: [
            line
            for line in (ROOT / "systemd" / name).read_text().splitlines()
            if line.startswith(tuple(f"{key}=" for key in same))
        ]
        for name in ("pi-edge.service", SERVICE)
    }
    assert len(lines[SERVICE]) == len(same)
    assert lines[SERVICE] == lines["pi-edge.service"]
