"""The userland of a board, from Debian's packages to the contents of its SD card.

Runs inside mmdebstrap's last step as ``python -m emulated_pi.userland TREE PLAN``: there root is
root, even where an ordinary user builds. The packages lie in the tree, extracted but not installed.
What is installed by this machine's own dpkg is quick; only the maintainer scripts are emulated, and
of those the three that take minutes are done by this machine's own programs instead.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from emulated_pi import settings
from emulated_pi.commands import SYSTEM_PATH
from emulated_pi.recipe import RECIPES

# An SD card's size is a power of two.
_SIZE = "4G"
_CERTIFICATES = Path("/etc/ssl/certs")


@dataclass(frozen=True)
class Plan:
    """What to make.

    Attributes:
        bits: which board.
        sources: apt's lines.
        folder: where sd.img goes; it has key.pub and the host's key in host/.
        log: what is said on the way.
        modules: the kernel's modules.
        python: a Python of this machine that compiles for the board's; "" where there is none.
    """

    bits: int
    sources: str
    folder: str
    log: str
    modules: str
    python: str

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))


def make(tree: Path, plan: Plan) -> None:
    """Install, set up, and write ``plan.folder``/sd.img."""
    folder = Path(plan.folder)
    with Path(plan.log).open("ab") as log:
        _install(tree, plan, log.fileno())
        for command in settings.COMMANDS:
            subprocess.run(
                ["chroot", tree, *command],
                env=_environment(plan),
                check=True,
                stdout=log,
                stderr=log,
            )
        settings.write(tree, RECIPES[plan.bits].host, plan.sources, folder)
        shutil.copytree(plan.modules, tree / "usr/lib/modules", dirs_exist_ok=True)
        if plan.python:
            _compile(tree, plan.python)
        _empty(tree)
        # Without what is mounted in the tree.
        script = 'mount --bind "$1" /mnt && exec mke2fs -q -t ext4 -L rootfs -d /mnt "$2" "$3"'
        subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", tree, folder / "sd.img", _SIZE],
            env=_environment(plan),
            check=True,
            stdout=log,
        )


def _install(tree: Path, plan: Plan, log: int) -> None:
    dpkg = tree / "var/lib/dpkg"
    for name in ("proc", "sys", "dev", "run", "tmp", "root", "var/lib/dpkg/info"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    for name in ("status", "available"):
        (dpkg / name).touch()
    if not (tree / "usr/bin/awk").exists():  # used by a script before its turn comes
        (tree / "usr/bin/awk").symlink_to("mawk")
    environment = _environment(plan)
    packages = sorted(tree.glob("var/cache/apt/archives/*.deb"))
    subprocess.run(
        ["dpkg", f"--root={tree}", "--force-all", "--force-unsafe-io", "--unpack", *packages],
        env=environment, stdout=log, stderr=log, check=True,
    )  # fmt: skip
    # dpkg of this machine takes the board's architecture for a foreign one; the board's not.
    (dpkg / "arch").unlink(missing_ok=True)
    with _stand_ins(tree, plan):
        subprocess.run(
            ["chroot", tree, "dpkg", "--force-unsafe-io", "--configure", "--pending"],
            env=environment, stdout=log, stderr=log, check=True,
        )  # fmt: skip
    audit = ["chroot", str(tree), "dpkg", "--audit"]
    if said := subprocess.run(audit, env=environment, stdout=subprocess.PIPE, check=True).stdout:
        sys.exit(f"not all packages were installed: {said.decode().splitlines()[0]}")


@contextmanager
def _stand_ins(tree: Path, plan: Plan) -> Iterator[None]:
    """Programs that take minutes when emulated do nothing meanwhile; others do their work later."""
    names = ["usr/bin/ssh-keygen"]
    names += ["usr/bin/python3.11"] if plan.python else []
    names += ["usr/sbin/update-ca-certificates"] if _has_hashed_certificates() else []
    for name in names:
        (tree / name).rename(tree / f"{name}.real")
        _script(tree / name, "exit 0")
    policy = tree / "usr/sbin/policy-rc.d"
    _script(policy, "exit 101")  # no service is started
    try:
        yield
    finally:
        policy.unlink()
        for name in names:
            (tree / f"{name}.real").replace(tree / name)
    if _has_hashed_certificates():
        for file in _CERTIFICATES.iterdir():
            if file.is_file() and not (file.suffix == ".pem" and file.is_symlink()):
                shutil.copyfile(file, tree / "etc/ssl/certs" / file.name)


def _has_hashed_certificates() -> bool:
    return (_CERTIFICATES / "ca-certificates.crt").exists() and any(_CERTIFICATES.glob("*.0"))


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def _compile(tree: Path, python: str) -> None:
    folders = [tree / "usr/lib/python3", tree / "usr/lib/python3.11"]
    skipped = r"/(lib2to3/tests|idlelib|tkinter|turtledemo)/"
    subprocess.run(
        [python, "-m", "compileall", "-q", "-j0", "-x", skipped, "-s", tree, "-p", "/", *folders],
        check=False,  # lib2to3 has a file that is no Python 3
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _empty(tree: Path) -> None:
    """What is needed for the building alone, or must differ between boards."""
    patterns = ("var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*_*")
    for pattern in (*patterns, "etc/apt/apt.conf.d/00mmdebstrap"):
        for path in tree.glob(pattern):
            path.unlink()
    (tree / "etc/machine-id").write_text("")
    (tree / "var/lib/dbus/machine-id").unlink(missing_ok=True)


def _environment(plan: Plan) -> dict[str, str]:
    return {
        "PATH": SYSTEM_PATH,
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "DEBCONF_NONINTERACTIVE_SEEN": "true",
        "QEMU_CPU": "cortex-a53" if plan.bits == 64 else "cortex-a7",
    }


if __name__ == "__main__":
    os.umask(0o022)
    make(Path(sys.argv[1]), Plan(**json.loads(Path(sys.argv[2]).read_text())))
