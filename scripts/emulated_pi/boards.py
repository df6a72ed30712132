"""Where the boards of this user are, what is known of each, and how ssh finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from emulated_pi import qemu
from emulated_pi.image import Image
from emulated_pi.monitor import Monitor
from emulated_pi.qemu import Process
from emulated_pi.recipe import RECIPES
from pi_edge.deploy.ssh import emulated_boards
from pi_edge.errors import Unavailable
from pi_edge.files import replacing

_HOST = """\
Host {host}
    HostName 127.0.0.1
    Port {port}
    User pi
    IdentityFile {key}
    IdentitiesOnly yes
    HostKeyAlias {host}
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    # Emulated, it takes its time to answer.
    ConnectTimeout 120

"""


@dataclass(frozen=True)
class Board:
    """A board that was switched on.

    Attributes:
        bits: 64 or 32.
        name: what ssh, scripts/deploy and the others call it.
        folder: its SD card, log and monitors.
        ssh_port: of this machine, leads to the board's port 22.
        http_port: of this machine, leads to the board's port 8080.
        process: its emulator.
    """

    bits: int
    name: str
    folder: Path
    ssh_port: int
    http_port: int
    process: Process

    @property
    def alive(self) -> bool:
        return self.process.alive

    @contextmanager
    def monitor(self) -> Iterator[Monitor]:
        """One of its monitors. Raises Unavailable where none is free or the board is off."""
        with Monitor(qemu.monitors(self.folder)) as monitor:
            yield monitor

    def pin(self, number: int) -> bool:
        """The level of one of GPIO 0 to 31, from outside; to follow one, keep a ``monitor``."""
        with self.monitor() as monitor:
            return monitor.pin(number)


def folder_of(bits: int) -> Path:
    """Where a board's own files are."""
    return emulated_boards() / str(bits)


def known(bits: int) -> Board | None:
    """The board as it was last switched on, and perhaps still is; None before."""
    folder = folder_of(bits)
    try:
        read = json.loads((folder / "board.json").read_text())
        process = Process(**read["process"])
        return Board(bits, RECIPES[bits].host, folder, read["ssh"], read["http"], process)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running(bits: int) -> Board:
    """The board.

    Raises:
        Unavailable: it is off, or its QEMU has died.
    """
    board = known(bits)
    flag = "" if bits == 64 else f" --bits {bits}"
    if board is None:
        raise Unavailable(f"{RECIPES[bits].host} is off: scripts/emulated-pi start{flag}")
    if not board.alive:
        raise Unavailable(
            f"{board.name}'s QEMU has ended by itself (see {board.folder}/qemu.log):"
            f" scripts/emulated-pi start{flag}"
        )
    return board


def record(board: Board, image: Image) -> None:
    """Remember a board that was switched on, and tell ssh of it."""
    text = {"ssh": board.ssh_port, "http": board.http_port, "process": asdict(board.process)}
    root = board.folder.parent
    entry = _HOST.format(
        host=board.name, port=board.ssh_port, key=image.key, known_hosts=root / "known_hosts"
    )
    for path, content in (
        (board.folder / "board.json", json.dumps(text)),
        (board.folder / "ssh_config", entry),
        (board.folder / "known_host", f"{board.name} {image.host_key}\n"),
    ):
        _write(path, content)
    _tell_ssh(root)


def forget(board: Board) -> None:
    """It is off; its SD card stays."""
    (board.folder / "board.json").unlink(missing_ok=True)


def _tell_ssh(root: Path) -> None:
    for whole, part in (("ssh_config", "ssh_config"), ("known_hosts", "known_host")):
        parts = [root / str(bits) / part for bits in RECIPES]
        _write(root / whole, "".join(one.read_text() for one in parts if one.exists()))


def _write(path: Path, text: str) -> None:
    with replacing(path, 0o600) as file:
        file.write(text.encode())
