"""Three hosts, each a Debian of its own under a real systemd with a real sshd, and Ansible to roll
out to them from a checkout that tests may change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from standin import Laptop, Standin

NAMES = ("kitchen", "garage", "wall")
_INVENTORY = """
all:
  hosts:
{hosts}
  vars:
    ansible_ssh_common_args: -F {ssh_config}
"""
# Writes the stamp of a set-up that is complete (scripts/lib/environment.py).
_STAMP = """
import environment
extras = ["litert", "photos"]
probed = environment._probe(environment.BIN / "python")
required = environment._required(extras)
environment._write_stamp(environment.Stamp(str(environment.ROOT), probed, "litert", required))
"""


@dataclass(frozen=True)
class Run:
    """How a playbook ended.

    Attributes:
        code: its exit code.
        printed: all that it printed.
        stats: by host, how many tasks were ok, changed, failures, skipped, rescued, ...
        plays: the hosts whose tasks ran, each once, in the order in which they did.
        messages: by host, what its last failed task said.
    """

    code: int
    printed: str
    stats: dict[str, dict[str, int]]
    plays: list[str]
    messages: dict[str, str]

    def count(self, what: str) -> int:
        """How many tasks of all hosts ended so."""
        return sum(one[what] for one in self.stats.values())


class Fleet:
    """The hosts, by name, and the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: dict[str, Standin] = {}
        for name in NAMES:
            self.hosts[name] = Standin(folder, f"emulated-pi-{name}")
        self.laptop = Laptop(folder / "laptop", folder)
        _set_up(self.laptop.checkout)
        self.inventory = folder / "inventory.yml"
        listed = "\n".join(
            f"    {name}: {{ansible_host: {host.name}}}" for name, host in self.hosts.items()
        )
        self.inventory.write_text(_INVENTORY.format(hosts=listed, ssh_config=folder / "ssh_config"))

    def play(self, playbook: str, *options: str, **variables: object) -> Run:
        """Run a playbook of the collection to its end, as docs/fleet.md says."""
        ansible = self.laptop.checkout / "scripts" / "ansible"
        command = [
            *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.inventory)),
            *(f"pi_edge.fleet.{playbook}", "-e", json.dumps(variables), *options),
        ]
        environ = {
            **self.laptop.environ,
            "ANSIBLE_CONFIG": str(ansible / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "ANSIBLE_CALLBACKS_ENABLED": "play_record",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "PLAY_RECORD": str(self.folder / "record.json"),
            "PYTHON": sys.executable,
            "LC_ALL": "C.UTF-8",
        }
        environ.pop("PYTHONPATH", None)
        done = subprocess.run(
            command,
            cwd=self.laptop.checkout,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        record = json.loads((self.folder / "record.json").read_text())
        (self.folder / "record.json").unlink()
        return Run(done.returncode, done.stdout, **record)

    def serving(self) -> dict[str, str]:
        """The release that each host's daemon runs from."""
        return {name: host.serving() for name, host in self.hosts.items()}

    def outcome(self, name: str) -> dict[str, object]:
        """How a host's last switch ended, as its agent wrote it down."""
        told: dict[str, object] = json.loads(self.hosts[name].run("cat /opt/pi-edge/outcome.json"))
        return told

    def close(self) -> None:
        for host in self.hosts.values():
            host.close()


def _set_up(checkout: Path) -> None:
    """Give a checkout the .venv that its scripts would make, with the packages of this run."""
    home = checkout / ".venv"
    venv.create(home, symlinks=True, with_pip=False)
    packages = sysconfig.get_path("purelib", vars={"base": str(home)})
    Path(packages, "here.pth").write_text(f"{checkout}\n{sysconfig.get_path('purelib')}\n")
    (home / "bin/pi-edge").write_text("")
    subprocess.run(
        [home / "bin/python", "-c", _STAMP],
        env={**os.environ, "PYTHONPATH": str(checkout / "scripts/lib")},
        check=True,
    )


def upgrade(laptop: Laptop) -> None:
    """Change one file of the checkout, so that it is another release."""
    laptop.change("pi_edge/lamp.py", lambda text: text + f"# {os.urandom(8).hex()}\n")
