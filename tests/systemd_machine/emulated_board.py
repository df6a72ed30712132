"""An emulated Raspberry Pi that can lose its power."""

from __future__ import annotations

import subprocess
import time

from emulated_pi import boards, qemu
from emulated_pi.monitor import Monitor
from machine import Machine
from support import ROOT


class EmulatedBoard(Machine):
    """The 64-bit board. What no fsync brought to its SD card is lost with the power (see Pc)."""

    def switch_on(self) -> None:
        """Boot it, and wait until it lets one in."""
        subprocess.run([ROOT / "scripts/emulated-pi", "start"], check=True)
        self.connect()

    def cut_power(self) -> None:
        """Switch it off in the middle of whatever it does."""
        board = boards.running(64)
        # An SD card has no command to flush it, so QEMU may keep in memory where on the card it has
        # put what was written long ago; stopping the processors brings that, and no more, to the
        # file. What the board itself had not written yet is lost all the same.
        with Monitor(qemu.monitors(board.folder)) as monitor:
            monitor.command("stop")
        board.process.kill()
        while board.alive:
            time.sleep(0.1)
        self.disconnect()
