"""The emulator of a board that is switched on but never runs: its registers can be written and
read, and it is there in a second."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import asdict
from pathlib import Path

from emulated_pi import qemu
from emulated_pi.qemu import Process

# BCM2835 ARM Peripherals, 6.1: what pins are for, set, clear.
_SELECT, _SET, _CLEAR = 0x3F200000, 0x3F20001C, 0x3F200028
_PATIENCE = 120.0


class QuietBoard:
    """The 64-bit board of the folder of boards ``root``, paused before its first instruction."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "64"
        self.folder.mkdir()
        command = [
            *("qemu-system-aarch64", "-M", "raspi3b", "-S", "-display", "none"),
            *("-qtest", f"unix:{self.folder}/qtest,server=on,wait=off", "-qtest-log", "none"),
        ]
        for path in qemu.monitors(self.folder):
            command += ["-monitor", f"unix:{path},server=on,wait=off"]
        self.process = subprocess.Popen(command)
        self._qtest = socket.socket(socket.AF_UNIX)
        try:
            self._introduce()
        except BaseException:
            self.end()
            raise

    def _introduce(self) -> None:
        sockets = [self.folder / "qtest", *qemu.monitors(self.folder)]
        deadline = time.monotonic() + _PATIENCE
        while not set(map(str, sockets)) <= _listening():
            assert self.process.poll() is None, "QEMU ended"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self._qtest.connect(str(sockets[0]))
        started = qemu._started(self.process.pid)
        assert started
        known = {
            "ssh": 1,
            "http": 1,
            "process": asdict(Process(self.process.pid, started)),
        }
        (self.folder / "board.json").write_text(json.dumps(known))

    def drive(self, pin: int, high: bool) -> None:
        """Make an output of a pin, and drive it."""
        self._write(_SELECT + 4 * (pin // 10), 1 << pin % 10 * 3)
        self._write(_SET if high else _CLEAR, 1 << pin)

    def _write(self, address: int, value: int) -> None:
        self._qtest.sendall(f"writel {address:#x} {value:#x}\n".encode())
        assert self._qtest.recv(100) == b"OK\n"

    def end(self) -> None:
        """End its emulator at once."""
        self._qtest.close()
        self.process.kill()
        self.process.wait()


def _listening() -> set[str]:
    """Unix sockets that take connections: their files are there a little before that."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return {fields[7] for fields in lines if len(fields) > 7 and fields[3] == "00010000"}
