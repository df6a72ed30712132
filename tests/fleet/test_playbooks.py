"""The collection's own files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support import ROOT

ANSIBLE = ROOT / "scripts" / "ansible"


def test_ansible_lint_finds_nothing(tmp_path: Path) -> None:
    lint = Path(sys.executable).with_name("ansible-lint")
    environ = {
        **os.environ,
        "PATH": f"{lint.parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [
            *(str(lint), "--offline", "--nocolor", "--strict", "--profile", "production"),
            *("ansible_collections/pi_edge/fleet", "inventory.example.yml"),
        ],
        cwd=ANSIBLE,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed: 0 failure(s), 0 warning(s)" in done.stderr


def test_the_modules_documentation_can_be_read(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-doc"), "-t", "module", "pi_edge.fleet.deploy"],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
            "ANSIBLE_HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for option in ("checkout", "models", "lan", "offline", "rollback"):
        assert option in done.stdout
