"""Switching a board on and off.

from emulated_pi import board
pi = board.start(64)
...
board.stop(64)
"""

from __future__ import annotations

import fcntl
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emulated_pi import boards, image, needs, qemu
from emulated_pi.boards import Board
from emulated_pi.commands import run
from emulated_pi.image import Image
from emulated_pi.monitor import Monitor
from emulated_pi.progress import say, step
from emulated_pi.recipe import RECIPES
from pi_edge.errors import PiEdgeError, Unavailable

# Two minutes on a machine with one busy core; who hangs longer than this is dead.
_PATIENCE = 900.0


def start(bits: int = 64, fresh: bool = False) -> Board:
    """A board that answers over ssh; one that is on already is left as it is.

    Args:
        fresh: with a new SD card; what was installed on it is gone.

    Raises:
        Unavailable: something is missing here, or it did not boot. No QEMU is left behind.
    """
    needs.to_run()
    folder = boards.folder_of(bits)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        board = boards.known(bits)
        if board and board.alive and not fresh:
            return board
        base = image.ensure(bits)
        if board and board.alive:
            _stop(board)
        _insert_card(folder, base, fresh)
        return _boot(bits, folder, base)


def stop(bits: int = 64) -> bool:
    """Shut a board down and end its emulator; False where it was off."""
    folder = boards.folder_of(bits)
    board = boards.known(bits)
    if board is None:
        return False
    with _alone(folder):
        alive = board.alive
        if alive:
            _stop(board)
        boards.forget(board)
        return alive


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One start or stop of a board at a time."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another start or stop of this board is under way; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _insert_card(folder: Path, base: Image, fresh: bool) -> None:
    card = folder / "disk.qcow2"
    if card.exists() and not fresh:
        # A card that belonged to another base is none any more.
        if base.backs(card):
            run(["qemu-img", "check", "-q", "-r", "all", card])
            return
        say("this board's SD card was made from an older image and is replaced")
    card.unlink(missing_ok=True)
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base.disk, "-F", "raw", card])
    base.note(card)


def _boot(bits: int, folder: Path, base: Image) -> Board:
    with step(f"boot {RECIPES[bits].host}", 60), _interruptible():
        ssh_port, http_port = qemu.free_ports(2)
        (folder / "serial.log").unlink(missing_ok=True)
        process = qemu.start(base, folder, ssh_port, http_port)
        board = Board(bits, RECIPES[bits].host, folder, ssh_port, http_port, process)
        try:
            boards.record(board, base)
            _wait_for_ssh(board)
        except BaseException:
            process.kill()
            boards.forget(board)
            raise
    return board


@contextmanager
def _interruptible() -> Iterator[None]:
    """A hang-up or SIGTERM ends the block as Ctrl-C does, so that QEMU goes with it."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        saved = {
            number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
        }
    except ValueError:  # not in the main thread: whoever runs it there takes care
        yield
        return
    try:
        yield
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)


def _wait_for_ssh(board: Board) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not (_answers(board.ssh_port) and _lets_in(board)):
        if not board.alive:
            raise Unavailable(f"QEMU ended: {_last_line(board.folder / 'qemu.log')}")
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{board.name} did not boot in {_PATIENCE:.0f} s; the last that its kernel said:"
                f" {_last_line(board.folder / 'serial.log')}"
            )
        time.sleep(0.5)


def _answers(port: int) -> bool:
    """Whether an ssh server is there. QEMU itself takes the connection long before."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _lets_in(board: Board) -> bool:
    command = ssh(board, "true")
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
    )
    return done.returncode == 0


def ssh(board: Board, *command: str) -> list[str]:
    """The command of this machine that runs ``command``, or a shell, on the board."""
    return ["ssh", "-F", str(board.folder.parent / "ssh_config"), board.name, *command]


def _stop(board: Board) -> None:
    with step(f"shut {board.name} down", 15):
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ssh(board, "sudo poweroff"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
                check=False,
            )
        if not board.process.wait(90):
            # Halted without switching itself off, or stuck: what QEMU holds goes to its disk.
            # It closes the line instead of answering.
            with suppress(PiEdgeError), Monitor(qemu.monitors(board.folder)) as monitor:
                monitor.command("quit")
        if not board.process.wait(20):
            board.process.kill()


def _last_line(path: Path) -> str:
    text = path.read_text(errors="replace") if path.exists() else ""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing")
