"""Which Raspberry Pi, and where what is made once for all of them is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import debian_mirror

from pi_edge.errors import Unavailable

SUITE = "bookworm"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What a fresh Raspberry Pi OS Lite has of all this. Not NumPy, Pillow, cffi, lgpio: those are for
# whoever installs pi-edge to bring.
PACKAGES = (
    *("systemd", "systemd-sysv", "systemd-timesyncd", "udev", "dbus", "kmod", "procps"),
    *("iproute2", "openssh-server", "sudo", "apt", "adduser", "ca-certificates", "usr-is-merged"),
    *("python3", "python3-venv"),
)


@dataclass(frozen=True)
class Recipe:
    """One of the two boards.

    Attributes:
        bits: of its userland; the kernel has 64 in both, as Raspberry Pi OS has on a Pi 3 or 4.
        architecture: Debian's name for the userland.
        emulator: the name in binfmt_misc of what runs its programs here.
        host: what ssh calls it, and its own name.
    """

    bits: int
    architecture: str
    emulator: str
    host: str

    @property
    def name(self) -> str:
        return f"{SUITE}-{self.architecture}"


RECIPES = {
    64: Recipe(64, "arm64", "qemu-aarch64", "emulated-pi"),
    32: Recipe(32, "armhf", "qemu-arm", "emulated-pi-32"),
}


def images() -> Path:
    """Where kernels and SD cards' contents are kept, for all boards of this user."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("PI_EDGE_IMAGES") or cache / "pi-edge" / "images")


def key_of(modules: Iterable[str]) -> str:
    """Changes when one of these modules does, so that what they made is made anew."""
    here = Path(__file__).parent
    source = b"".join((here / module).read_bytes() for module in sorted(modules))
    return hashlib.sha256(source).hexdigest()[:12]


def mirror() -> str:
    """The address of the Debian mirror that this machine's own apt uses; Debian's own where that
    has none, being another distribution's."""
    return debian_mirror.own() or "http://deb.debian.org/debian"


def source(suite: str = SUITE) -> str:
    """The line for apt's sources, trusted by Debian's own keyring.

    Raises:
        Unavailable: that keyring is not here.
    """
    if not KEYRING.exists():
        raise Unavailable(f"there is no {KEYRING}: apt-get install debian-archive-keyring")
    return f"deb [signed-by={KEYRING}] {mirror()} {suite} main"
