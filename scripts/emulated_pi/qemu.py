"""The emulator's process: its command line, whether it lives, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from emulated_pi.image import Image

# One for whoever changes something, the others for those who watch the pins.
MONITORS = 4


@dataclass(frozen=True)
class Process:
    """A process, told from a later one of the same number by when it started.

    Attributes:
        pid: its number.
        started: clock ticks from the machine's start to its own (proc(5), stat, field 22).
    """

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        return _started(self.pid) == self.started

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when it still lives."""
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def kill(self) -> None:
        """End it at once."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            self.wait(10)


def start(image: Image, folder: Path, ssh_port: int, http_port: int) -> Process:
    """Switch a board on, in the background; it does not end with the terminal.

    Args:
        folder: has disk.qcow2; gets the monitors' sockets, the serial line's log and QEMU's own.
        ssh_port, http_port: of this machine; they lead to the board's 22 and 8080.
    """
    kernel = image.kernel
    command = [
        *("qemu-system-aarch64", "-M", "raspi3b", "-accel", "tcg,thread=multi"),
        *("-display", "none", "-serial", f"file:{folder}/serial.log"),
        *("-kernel", str(kernel.image), "-initrd", str(kernel.initramfs)),
        *("-dtb", str(kernel.device_tree), "-append"),
        f"console=ttyAMA0,115200 rw quiet board.time={int(time.time())}",
        *("-drive", f"file={folder}/disk.qcow2,if=sd,format=qcow2,cache=writeback"),
        *("-device", "usb-net,netdev=n0", "-netdev"),
        f"user,id=n0,hostfwd=tcp:127.0.0.1:{ssh_port}-:22,hostfwd=tcp:127.0.0.1:{http_port}-:8080",
    ]
    for path in monitors(folder):
        path.unlink(missing_ok=True)
        command += ["-monitor", f"unix:{path},server=on,wait=off"]
    with (folder / "qemu.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Process(process.pid, _started(process.pid) or 0)


def monitors(folder: Path) -> list[Path]:
    """The sockets of a board's monitors."""
    return [folder / f"monitor.{number}" for number in range(MONITORS)]


def free_ports(count: int) -> list[int]:
    """TCP ports of the loopback interface that nobody uses."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _started(pid: int) -> int | None:
    """None where there is no such process, or it only waits to be taken note of."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
