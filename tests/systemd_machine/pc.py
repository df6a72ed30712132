"""A PC with Debian in QEMU, without hardware virtualization: slow, and the same everywhere."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from emulated_pi.commands import run
from emulated_pi.qemu import free_ports
from machine import PATIENCE, Machine
from pc_image import PcImage
from pc_tree import HOST

from pi_edge.errors import PiEdgeError, Unavailable

_SSH = """\
Host {host}
    HostName 127.0.0.1
    Port {port}
    User pi
    IdentityFile {key}
    IdentitiesOnly yes
    HostKeyAlias {host}
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    ConnectTimeout 60
    ServerAliveInterval 60
"""


class Pc(Machine):
    """A PC whose disk begins as ``image``.

    Each time that its power is cut it gets another layer on its disk. What was written to new
    clusters of a qcow2 layer is found again only if the guest flushed the disk's cache after it:
    until then the table that tells where they are is in QEMU's memory alone. So what no fsync
    brought to the disk is lost, as it may be with a real one.
    """

    def __init__(self, image: PcImage, folder: Path) -> None:
        super().__init__(HOST, folder / "ssh_config")
        self.folder, self._image = folder, image
        self._port = free_ports(1)[0]
        self._layers = 0
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "known_hosts").write_text(f"{HOST} {image.host_key}\n")
        (folder / "ssh_config").write_text(
            _SSH.format(host=HOST, port=self._port, key=image.key, folder=folder)
        )
        self._layer(image.disk, "raw")

    @property
    def serial(self) -> Path:
        """What its kernel said."""
        return self.folder / "serial.log"

    @property
    def disk(self) -> Path:
        """The uppermost layer of its disk."""
        return self.folder / f"disk-{self._layers}.qcow2"

    def boot(self) -> None:
        """Switch it on and wait until it lets one in."""
        command = [
            # It ends with the tests, however they end.
            *("setpriv", "--pdeathsig", "KILL"),
            *("qemu-system-x86_64", "-M", "pc", "-accel", "tcg,thread=multi", "-cpu", "max"),
            *("-smp", "2", "-m", "1536", "-display", "none", "-serial", f"file:{self.serial}"),
            *("-kernel", str(self._image.folder / "vmlinuz")),
            *("-initrd", str(self._image.folder / "initrd.img")),
            *("-append", "root=/dev/vda ro console=ttyS0 quiet"),
            *("-drive", f"file={self.disk},if=virtio,format=qcow2,cache=writeback"),
            *("-device", "virtio-rng-pci", "-device", "virtio-net-pci,netdev=n0"),
            *("-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{self._port}-:22"),
        ]
        with (self.folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait_for_ssh()

    def wait_for_ssh(self) -> None:
        """Wait until it lets one in, and log in."""
        deadline = time.monotonic() + PATIENCE
        while not (self._answers() and self._lets_in()):
            assert self._process
            assert self._process.poll() is None, (self.folder / "qemu.log").read_text()
            assert time.monotonic() < deadline, self.serial.read_text(errors="replace")[-2000:]
            time.sleep(0.5)

    def reboot(self) -> None:
        """Have it boot again by itself, and wait until it lets one in."""
        before = self.boot_id()
        self.root("systemctl reboot --no-block")
        self.disconnect()
        while True:
            self.wait_for_ssh()
            with contextlib.suppress(PiEdgeError):  # it goes down
                if self.boot_id() != before:
                    return
            self.disconnect()
            time.sleep(1)

    def shut_down(self) -> None:
        """Have it switch itself off; its disk then gets another layer."""
        assert self._process
        self.root("systemctl poweroff --no-block")
        self.disconnect()
        self._process.wait(PATIENCE)
        self._layer_on_top()

    def cut_power(self) -> None:
        """Switch it off in the middle of whatever it does."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self.disconnect()
        run(["qemu-img", "check", "-q", "-r", "all", self.disk])
        self._layer_on_top()

    def switch_off(self) -> None:
        """End it for good."""
        if self._process:
            self._process.kill()
            self._process.wait()
        self.close()

    def _layer_on_top(self) -> None:
        below = self.disk
        self._layers += 1
        self._layer(below, "qcow2")

    def _layer(self, below: Path, kind: str) -> None:
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", kind, self.disk])

    def _lets_in(self) -> bool:
        try:
            self.connect()
        except Unavailable:
            return False
        return True

    def _answers(self) -> bool:
        """Whether an ssh server is there. QEMU itself takes the connection long before."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), 5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False


@dataclass(frozen=True)
class Installed:
    """A PC on which scripts/install-service was run.

    Attributes:
        said: what it printed.
    """

    pc: Pc
    said: str
