"""QEMU's monitor: commands to the emulator, among them to read the board's GPIO registers."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from types import TracebackType

from pi_edge.errors import Unavailable

_PROMPT = b"(qemu) "
# GPLEV0, the levels of pins 0 to 31, where the processor sees it (BCM2835 ARM Peripherals, 6.1).
_LEVELS = 0x3F200034


class Monitor:
    """A connection to one of the board's monitors; whoever comes first has it.

    Args:
        sockets: of all the board's monitors; a free one is taken.
        patience: seconds for QEMU to answer.

    Raises:
        Unavailable: QEMU is gone, or none of them is free.
    """

    def __init__(self, sockets: list[Path], patience: float = 20.0) -> None:
        for path in sockets:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(min(patience, 2.0))
            try:
                self._socket.connect(str(path))
                self._read()
            except (OSError, Unavailable):
                self._socket.close()
            else:
                self._socket.settimeout(patience)
                return
        raise Unavailable("the board's monitor does not answer: QEMU is gone, or others watch it")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others have it."""
        self._socket.close()

    def command(self, text: str) -> str:
        """What QEMU says to a command of its Human Monitor Protocol.

        Raises:
            Unavailable: QEMU ended, or did not answer in time.
        """
        try:
            self._socket.sendall(text.encode() + b"\n")
            return self._read()
        except OSError as error:
            raise Unavailable(f"the board's QEMU does not answer ({error})") from error

    def pins(self) -> int:
        """The levels of GPIO 0 to 31, one bit each."""
        said = self.command(f"xp /1wx {_LEVELS:#x}")
        found = re.search(r":\s*0x([0-9a-f]{8})", said)
        if not found:
            raise Unavailable("QEMU does not show the GPIO registers")
        return int(found[1], 16)

    def pin(self, number: int) -> bool:
        """The level of one of GPIO 0 to 31."""
        return bool(self.pins() >> number & 1)

    def _read(self) -> str:
        said = b""
        while not said.endswith(_PROMPT):
            more = self._socket.recv(4096)
            if not more:
                raise Unavailable("the board's QEMU has ended")
            said += more
        return said.decode(errors="replace")
