"""A system that systemd-nspawn booted: commands run in it, and its end."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from support import end


class Container:
    """Who inherits boots it: ``process`` is its systemd-nspawn, ``log`` what that prints."""

    process: subprocess.Popen[bytes]
    log: TextIO
    patience = 120.0  # seconds that wait_for waits

    def leader(self) -> int:
        """Process ID of its init; 0 without one."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int((children.read_text().split() or ["0"])[0])

    def inside(self, command: str) -> list[str]:
        """What runs a shell command in it as root."""
        spaces = ["-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-ec", command]
        return ["nsenter", "-t", str(self.leader()), *spaces, *clean]

    def run(self, command: str, check: bool = True) -> str:
        """Run a shell command in it as root; its output. "" before it has an init."""
        assert self.process.poll() is None, f"the container ended:\n{self.told()}"
        if not self.leader():
            return ""
        done = subprocess.run(self.inside(command), capture_output=True, text=True)
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def is_up(self) -> bool:
        """Whether it has booted."""
        return "running" in self.run("systemctl is-system-running", check=False)

    def show(self, name: str) -> str:
        """A property of pi-edge's unit."""
        return self.run(f"systemctl show --value -p {name} pi-edge").strip()

    def told(self) -> str:
        """What it printed while it booted, the end."""
        self.log.seek(0)
        return self.log.read()[-2000:]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        wait_for(condition, self.told, self.patience)

    def close(self) -> None:
        """Shut it down."""
        end(self.process)
        self.log.close()


def wait_for(
    condition: Callable[[], bool], told: Callable[[], str] = str, seconds: float = 120.0
) -> None:
    """Wait until ``condition`` holds; ``told`` says what went before where it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain\n{told()}"
        time.sleep(0.1)
