"""A whole emulated board, reached as any host is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from support import ROOT

from pi_edge.deploy import ssh

NAMES = {64: "emulated-pi", 32: "emulated-pi-32"}


@dataclass(frozen=True)
class Host:
    """A board that can be reached.

    Attributes:
        bits: of its userland.
        name: what scripts/deploy and ssh call it.
    """

    bits: int
    name: str

    def run(self, *command: str) -> str:
        """What a command printed there, run by user pi."""
        with ssh.connect(self.name) as host:
            return host.run(*command).decode()

    def current(self) -> str:
        """ID of the release that ``current`` names."""
        return Path(self.run("readlink", "/opt/pi-edge/current").strip()).name

    def serves(self) -> str:
        """Status code of its daemon's health."""
        code = (
            "import urllib.request as r;"
            "print(r.urlopen('http://127.0.0.1:8080/v2/health/ready').status)"
        )
        return self.run("python3", "-c", code).strip()

    def monitor(self, *commands: str) -> None:
        """Tell its emulator something."""
        sys.path.append(str(ROOT / "scripts"))
        from emulated_pi import boards

        with boards.running(self.bits).monitor() as monitor:
            for command in commands:
                monitor.command(command)
