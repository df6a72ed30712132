"""What of this machine's programs is missing, in one line that says how to get it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from emulated_pi.commands import SYSTEM_PATH
from emulated_pi.recipe import KEYRING, Recipe
from pi_edge.errors import Unavailable

_TO_RUN = {
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-img": "qemu-utils",
    "ssh": "openssh-client",
}
_TO_BUILD = {
    **_TO_RUN,
    "mmdebstrap": "mmdebstrap",
    "dpkg": "dpkg",
    "mke2fs": "e2fsprogs",
    "fdtput": "device-tree-compiler",
    "cpio": "cpio",
    "depmod": "kmod",
    "unshare": "util-linux",
    "ssh-keygen": "openssh-client",
    "qemu-aarch64-static": "qemu-user-static",
    "update-binfmts": "binfmt-support",
}


def to_run() -> None:
    """Raises Unavailable where a board cannot be started here."""
    _demand(_TO_RUN)


def to_build(board: Recipe) -> None:
    """Raises Unavailable where ``board``'s image cannot be made here."""
    missing = {} if KEYRING.exists() else {"": "debian-archive-keyring"}
    if os.geteuid() != 0:
        missing |= {} if find("newuidmap") else {" ": "uidmap"}
    _demand(_TO_BUILD, missing)
    entry = Path("/proc/sys/fs/binfmt_misc", board.emulator)
    text = entry.read_text() if entry.exists() else ""
    flags = next((line for line in text.splitlines() if line.startswith("flags:")), "")
    if "enabled" not in text or "F" not in flags:
        raise Unavailable(
            "ARM programs do not run here yet: sudo mount -t binfmt_misc none"
            " /proc/sys/fs/binfmt_misc; sudo update-binfmts --enable"
        )


def _demand(commands: Mapping[str, str], missing: Mapping[str, str] | None = None) -> None:
    packages = {package for command, package in commands.items() if not find(command)}
    packages |= set((missing or {}).values())
    if packages:
        raise Unavailable(
            f"this machine lacks {', '.join(sorted(packages))}:"
            f" sudo apt-get install {' '.join(sorted(packages))}"
        )


def find(command: str) -> str | None:
    """Where a program is, also one that only root used to need."""
    return shutil.which(command, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")
