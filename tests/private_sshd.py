"""A real sshd on loopback that only its owner's tests know of, with keys of its own.

pi_edge.deploy.ssh takes what PI_EDGE_BOARDS/ssh_config says of hosts called emulated-pi-...: so the
tests reach theirs by such a name, and nobody's ~/.ssh is read or written.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import missing

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PidFile none
"""
CLIENT = """
Host {name}
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
"""


@dataclass(frozen=True)
class Sshd:
    """It runs.

    Attributes:
        boards: for PI_EDGE_BOARDS.
        names: the hosts, all of them this machine.
    """

    process: subprocess.Popen[bytes]
    boards: Path
    names: Sequence[str]

    def hang_up(self) -> None:
        """End every connection, as a pulled cable does; new ones are welcome."""
        for pid in connections(self.process.pid):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def private_sshd(folder: Path, names: Sequence[str]) -> Iterator[Sshd]:
    """An sshd that lets this user in, on a free port."""
    sshd = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
    if not sshd or not shutil.which("ssh"):
        missing("sshd is not installed (Debian: openssh-server)")
    for key in ("host_key", "user_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True
        )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it gives its privileges up
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    public = (folder / "host_key.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
    (folder / "ssh_config").write_text(
        "".join(
            CLIENT.format(name=name, port=port, user=getpass.getuser(), folder=folder)
            for name in names
        )
    )
    log = folder / "sshd.log"
    command = [str(sshd), "-D", "-f", str(folder / "sshd_config"), "-E", str(log)]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 30
        while not (log.exists() and "Server listening" in log.read_text()):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(0.02)
        yield Sshd(process, folder, names)
    finally:
        process.terminate()
        process.wait()


def connections(pid: int) -> list[int]:
    """The processes, one or two a connection, into which an sshd divides itself."""
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = [int(one) for one in started if "sshd" in Path(f"/proc/{one}/comm").read_text()]
    return [*own, *(child for one in own for child in connections(one))]
