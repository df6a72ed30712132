"""The userland of a Raspberry Pi, unpacked into a folder and run by QEMU's user emulation.

A tree is what mmdebstrap extracts, without a second stage: no package was configured, so what
maintainer scripts would have linked is linked here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support import ROOT

sys.path.append(str(ROOT / "scripts"))

import debian_mirror

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-edge" / "trees"
PACKAGES = (
    *("python3", "python3-venv", "python3-numpy", "python3-pil", "python3-cffi", "busybox-static"),
)


@dataclass(frozen=True)
class Recipe:
    """Which userland.

    Attributes:
        suite: Debian's code name, the same as Raspberry Pi OS's.
        architecture: Debian's name: armhf is 32-bit, arm64 is 64-bit.
        triple: where that architecture's libraries are.
        processor: which one QEMU plays. Not its default, which computes Trixie's pointer
            authentication in software and takes six times as long.
        purpose: for whom; "" for the tests. Nobody shares a tree.
    """

    suite: str
    architecture: str
    triple: str
    processor: str
    purpose: str = ""

    @property
    def name(self) -> str:
        return "-".join(filter(None, (self.purpose, self.suite, self.architecture)))


RECIPES = (
    Recipe("bookworm", "armhf", "arm-linux-gnueabihf", "cortex-a7"),
    Recipe("bookworm", "arm64", "aarch64-linux-gnu", "cortex-a53"),
    Recipe("trixie", "arm64", "aarch64-linux-gnu", "cortex-a53"),
)


def obstacle(recipe: Recipe) -> str:
    """Why this machine cannot have the tree; "" where it can."""
    if os.geteuid() != 0:
        return "emulated trees need root (mmdebstrap and chroot)"
    for command, package in {"mmdebstrap": "mmdebstrap", "unshare": "util-linux"}.items():
        if not shutil.which(command):
            return f"emulated trees need {package}: apt-get install {package}"
    emulator = "qemu-arm" if recipe.architecture == "armhf" else "qemu-aarch64"
    try:
        entry = Path("/proc/sys/fs/binfmt_misc", emulator).read_text()
    except OSError:
        entry = ""
    flags = next((line for line in entry.splitlines() if line.startswith("flags:")), "")
    if "enabled" not in entry or "F" not in flags:
        return (
            f"no {emulator} in binfmt_misc: apt-get install qemu-user-static binfmt-support,"
            " mount -t binfmt_misc none /proc/sys/fs/binfmt_misc, update-binfmts --enable"
        )
    if not debian_mirror.own():
        return "apt's sources name no Debian mirror"
    return ""


@contextmanager
def tree(recipe: Recipe) -> Iterator[Path]:
    """The folder of ``recipe``'s tree, made where it is not cached; one test run at a time."""
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = CACHE / f"{recipe.name}-{source}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{recipe.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for stale in CACHE.glob(f"{recipe.name}-*"):
                shutil.rmtree(stale)
            _build(recipe, folder)
        yield folder


def _build(recipe: Recipe, folder: Path) -> None:
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    # One line of sources, no security suite: that one fails for foreign architectures.
    sources = f"deb {debian_mirror.own()} {recipe.suite} main"
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=extract", "--format=directory"),
            f"--architectures={recipe.architecture}",
            f"--include={','.join(PACKAGES)}",
            *(recipe.suite, str(unfinished), sources),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    _configure(unfinished, recipe.triple)
    unfinished.rename(folder)


def _configure(root: Path, triple: str) -> None:
    for name in ("bin", "sbin", "lib"):  # base-files' links, which Trixie makes when configured
        if not (root / name).exists():
            (root / name).symlink_to(f"usr/{name}")
    libraries = root / "usr/lib" / triple
    for library in ("blas/libblas.so.3", "lapack/liblapack.so.3"):  # update-alternatives
        (libraries / Path(library).name).symlink_to(library)
    for name in ("proc", "sys", "run", "root", "home/pi", "mnt"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "etc/passwd").write_text(
        "root:x:0:0::/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n"
    )
    (root / "etc/group").write_text("root:x:0:\npi:x:1000:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    os.chown(root / "home/pi", 1000, 1000)
    busybox = subprocess.run(
        ["chroot", root, "busybox", "--list"], check=True, capture_output=True, text=True
    )
    for applet in busybox.stdout.split():  # among them sh, env and dirname
        if not any((root / folder / applet).exists() for folder in ("usr/bin", "bin", "usr/sbin")):
            (root / "bin" / applet).symlink_to("busybox")
