"""What is made once and kept: the kernel, and per board the contents of its SD card.

Either is there whole or not at all, and is made anew when the source that makes it changes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from emulated_pi import kernel, needs, recipe
from emulated_pi.commands import environment, run
from emulated_pi.kernel import Kernel
from emulated_pi.progress import say, step
from emulated_pi.recipe import PACKAGES, RECIPES, SUITE, Recipe
from emulated_pi.userland import Plan
from pi_edge.errors import Unavailable

_KERNEL_SOURCE = ("kernel.py",)
_USERLAND_SOURCE = ("kernel.py", "recipe.py", "settings.py", "userland.py")
_PYTHON_311 = "import importlib.util as u; print(u.MAGIC_NUMBER.hex())"
_MAGIC_311 = "a70d0d0a"


@dataclass(frozen=True)
class Image:
    """A board's base: nothing in it is ever changed.

    Attributes:
        folder: sd.img, key (whose owner is user pi on the board), key.pub and host/.
        kernel: what it boots.
    """

    folder: Path
    kernel: Kernel

    @property
    def disk(self) -> Path:
        return self.folder / "sd.img"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    def backs(self, card: Path) -> bool:
        """Whether ``card`` (qcow2, whose header names what is below it) was made from this base."""
        try:
            with card.open("rb") as file:
                return os.fsencode(self.disk) in file.read(4096)
        except OSError:
            return False

    def note(self, card: Path) -> None:
        """Remember a card made from this base, which is then kept for it."""
        with (self.folder / "cards").open("a") as cards:
            cards.write(f"{card.absolute()}\n")

    @property
    def used(self) -> bool:
        """Whether there still is a card made from this base."""
        cards = self.folder / "cards"
        return cards.exists() and any(
            self.backs(Path(card)) for card in cards.read_text().splitlines()
        )

    @property
    def host_key(self) -> str:
        """The board's public host key: type and key."""
        text = (self.folder / "host/ssh_host_ed25519_key.pub").read_text()
        return " ".join(text.split()[:2])


def ensure(bits: int) -> Image:
    """The base image of a board, made where it is not there yet; one builder at a time.

    Raises:
        Unavailable: it cannot be made here; the message says what is missing.
    """
    board = RECIPES[bits]
    root = recipe.images()
    kernels = root / f"kernel-{recipe.key_of(_KERNEL_SOURCE)}"
    folder = root / f"{board.name}-{recipe.key_of(_USERLAND_SOURCE)}"
    image = Image(folder, Kernel(kernels))
    if folder.exists() and kernels.exists():
        return image
    needs.to_build(board)
    root.mkdir(parents=True, exist_ok=True)
    with alone(root / "lock"):
        make_whole(kernels, "kernel-*", kernel.build)
        make_whole(folder, f"{board.name}-*", lambda unfinished: _build(board, image, unfinished))
        for old in root.glob(f"{board.name}-*/"):
            if old != folder and not Image(old, image.kernel).used:
                remove(old)
        for old in root.glob("kernel-*/"):  # QEMU has read its own already
            if old != kernels:
                remove(old)
    return image


def the_kernel() -> Kernel:
    """The kernel of all boards, made where it is not there yet.

    Raises:
        Unavailable: it cannot be had.
    """
    root = recipe.images()
    folder = root / f"kernel-{recipe.key_of(_KERNEL_SOURCE)}"
    if not folder.exists():
        root.mkdir(parents=True, exist_ok=True)
        with alone(root / "lock"):
            make_whole(folder, "kernel-*", kernel.build)
    return Kernel(folder)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """One builder at a time; who comes second waits."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another builder is at work; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_whole(folder: Path, stale: str, build: Callable[[Path], None]) -> None:
    """Have ``folder`` built where it is not there; it is there whole or not at all.

    Args:
        stale: glob of what it is called beside it, without ".unfinished".
    """
    if folder.exists():
        return
    unfinished = folder.with_name(folder.name + ".unfinished")
    for old in folder.parent.glob(f"{stale}.unfinished"):
        remove(old)
    unfinished.mkdir()
    try:
        build(unfinished)
        unfinished.rename(folder)
    except BaseException:
        remove(unfinished)
        raise


def remove(folder: Path) -> None:
    """Also what belongs to the root of an ordinary user's namespace."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists() and os.geteuid() != 0:
        subprocess.run(
            ["unshare", "--map-auto", "--map-root-user", "rm", "-rf", folder], check=False
        )


def _build(board: Recipe, image: Image, folder: Path) -> None:
    (folder / "host").mkdir()
    for file, comment in (("key", "pi-edge"), ("host/ssh_host_ed25519_key", board.host)):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", folder / file])
    log = recipe.images() / f"{board.name}.log"
    plan = Plan(
        board.bits, sources(), str(folder), str(log), str(image.kernel.modules), _python_311()
    )  # fmt: skip
    plan.write(folder / "plan.json")
    with step(f"make the SD card of {board.host} from Debian's packages", 110):
        _mmdebstrap(board, folder, log)
    (folder / "plan.json").unlink()
    (folder / "sd.img").chmod(0o444)


def _mmdebstrap(board: Recipe, folder: Path, log: Path) -> None:
    here = Path(__file__).resolve().parent.parent
    path = f"{here}:{here.parent}"
    hook = f'PYTHONPATH="{path}" "{sys.executable}" -m emulated_pi.userland "$1" "$PLAN"'
    command = [
        *("mmdebstrap", "--variant=extract", f"--architectures={board.architecture}"),
        *("--include=?essential", "--include=?priority(required)"),
        *(f"--include={','.join(PACKAGES)}", "--aptopt=Acquire::Languages none"),
        *("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", f"--extract-hook={hook}"),
        *("--skip=cleanup", "--format=null", SUITE, "-", recipe.source()),
    ]
    if os.geteuid() == 0:
        # Its mounts, and all it starts, end with it, however it ends.
        alone = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        command = [*alone, *command, "--mode=root"]
    else:
        command.append("--mode=unshare")
        folder.chmod(0o777)  # the root of its namespace is another user here
    log.unlink(missing_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**environment(), "TMPDIR": str(folder), "PLAN": str(folder / "plan.json")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
    if status:
        raise Unavailable(f"mmdebstrap could not make the SD card; all that it said is in {log}")


def sources() -> str:
    """Lines for the sources of the apt on the machine that is made."""
    mirror = recipe.mirror()
    lines = [f"deb {mirror} {suite} main" for suite in (SUITE, f"{SUITE}-updates")]
    security = mirror.removesuffix("/debian") + "/debian-security"
    return "\n".join([*lines, f"deb {security} {SUITE}-security main", ""])


def _python_311() -> str:
    """A Python of this machine that compiles as the board's does; "" where there is none."""
    for name in (sys.executable, "python3.11", "/usr/bin/python3.11"):
        found = shutil.which(name)
        if found:
            said = subprocess.run(
                [found, "-c", _PYTHON_311], capture_output=True, text=True, check=False
            )
            if said.stdout.strip() == _MAGIC_311:
                return found
    return ""
