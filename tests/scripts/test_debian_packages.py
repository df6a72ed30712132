"""Scripts that use more of Debian get it, or say what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

sys.path.append(str(ROOT / "scripts"))

from packages import source

NEEDS = f'. {ROOT}/scripts/lib/debian.sh; debian_packages bash:sh vision:see "$@"'


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs that come before the system's: an apt-get that tells what it was asked,
    and an id that says who one is."""
    (tmp_path / "apt-get").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n')
    (tmp_path / "id").write_text(f"#!/bin/sh\ncat {tmp_path}/user\n")
    for name in ("apt-get", "id"):
        (tmp_path / name).chmod(0o755)
    return tmp_path


def need(programs: Path, user: int) -> subprocess.CompletedProcess[str]:
    (programs / "user").write_text(f"{user}\n")
    return subprocess.run(
        ["sh", "-c", NEEDS],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def test_root_gets_what_is_missing_and_nothing_else(programs: Path) -> None:
    assert need(programs, 0).returncode == 0
    update, install = (programs / "asked").read_text().splitlines()
    assert update.startswith("update")
    assert install.split()[-1] == "vision"


def test_others_are_told_what_to_install(programs: Path) -> None:
    done = need(programs, 1000)
    assert done.returncode == 1
    assert done.stderr == (
        "pi-edge: needs more of Debian's packages: sudo apt-get install vision\n"
    )
    assert not (programs / "asked").exists()


def test_nobody_is_asked_for_what_is_there(programs: Path) -> None:
    see = programs / "see"
    see.write_text("#!/bin/sh\n")
    see.chmod(0o755)
    assert need(programs, 1000).returncode == 0
    assert not (programs / "asked").exists()


def test_nothing_is_built_without_what_it_takes(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (programs / "user").write_text("1000\n")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    source.need({"sh": "dash"})
    with pytest.raises(source.Failed, match="nothing was built"):
        source.need({"sh": "dash", "see": "vision"})
    assert "sudo apt-get install vision" in capfd.readouterr().err
