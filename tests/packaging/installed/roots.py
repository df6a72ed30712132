"""Whole Debian systems in folders, on which packages are really installed.

Unlike the trees of tests/emulated_pi everything in them is configured: dpkg runs there, by QEMU's
user emulation where the processor is another one. A system is made once and cached; what a test
does to it goes to a layer above, which is thrown away.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import ROOT, end

sys.path.append(str(ROOT / "scripts"))
sys.path.append(str(ROOT / "tests" / "emulated_pi"))

import debian_mirror
from debian_trees import RECIPES, Recipe
from debian_trees import obstacle as obstacle_of_foreign

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-edge" / "roots"
PC = Recipe("bookworm", "amd64", "x86_64-linux-gnu", "")
SYSTEMS = (*RECIPES, PC)
PATIENCE_SECONDS = 600.0  # of emulated machines

# What Raspberry Pi OS has anyway, and what pi-edge's packages ask of Debian.
_INCLUDED = [
    *("systemd", "adduser", "procps", "python3-venv", "python3-numpy", "python3-pil"),
    *("python3-gpiozero", "python3-tqdm", "python3-h11", "python3-click", "python3-idna"),
]
_MORE = {
    "bookworm-amd64": ["systemd-sysv", "dbus"],  # it is booted
    "trixie-arm64": [
        *("python3-starlette", "python3-uvicorn", "python3-python-multipart", "python3-uvloop"),
        *("python3-prometheus-client", "python3-orjson", "python3-paho-mqtt"),
    ],
}

# Puts a layer over a system for one command, whose process then is the command's own.
_ENTER = """
system=$1 layer=$2; shift 2
layers="lowerdir=$system,upperdir=$layer/upper,workdir=$layer/work"
mount -t overlay overlay -o "$layers" "$layer/root"
mount -t proc proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
for file in /etc/resolv.conf /etc/hosts; do
    [ -e "$layer/root$file" ] || : >"$layer/root$file"
    mount --bind "$file" "$layer/root$file"
done
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$layer/root$1"; else
        mkdir -p "$layer/root${1%/*}"; : >>"$layer/root$1"
    fi
    mount --bind "$1" "$layer/root$1"
    shift
done
shift
exec chroot "$layer/root" "$@"
"""


@dataclass(frozen=True)
class Installation:
    """A system with a layer of its own."""

    recipe: Recipe
    system: Path
    layer: Path

    def start(
        self, *command: str | Path, environ: Mapping[str, str] | None = None, **popen: Any
    ) -> subprocess.Popen[str]:
        """Start a command there, as root."""
        from raspberry_pi import _pip

        settings, files = _pip()
        shared = [str(self.debs), *files]
        return subprocess.Popen(
            [
                *("unshare", "--mount", "sh", "-euc", _ENTER, "sh"),
                *(self.system, self.layer, *shared, "--", *command),
            ],
            env={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": "/root",
                "LANG": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
                "PIP_NO_COMPILE": "1",
                **({"QEMU_CPU": self.recipe.processor} if self.recipe.processor else {}),
                **settings,
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            text=True,
            **popen,
        )

    def run(self, *command: str | Path, environ: Mapping[str, str] | None = None) -> str:
        """Run a command to its end. Returns what it printed; fails with all that it said."""
        process = self.start(
            *command, environ=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = process.communicate()
        assert process.returncode == 0, f"{command}: {process.returncode}\n{out}{err}"
        return out

    @contextmanager
    def running(
        self,
        log: Path,
        ready: str,
        *command: str,
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[re.Match[str]]:
        """A command that runs on there until the end, once its log has what ``ready`` looks for;
        yields that."""
        with log.open("w") as output:
            process = self.start(*command, environ=environ, stdout=output, stderr=output)
        try:
            yield said(process, log, ready)
        finally:
            end(process)

    @property
    def debs(self) -> Path:
        """Where packages lie, here and there."""
        return ROOT / "dist"

    def packages(self) -> list[Path]:
        """The newest two that belong on this system."""
        names = ("pi-edge_*_all.deb", f"pi-edge-runtime_*_{self.recipe.architecture}.deb")
        return [max(self.debs.glob(name), key=lambda path: path.stat().st_mtime) for name in names]


def said(process: subprocess.Popen[Any], log: Path, pattern: str) -> re.Match[str]:
    """What a process that goes on says in its log, once it does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := re.search(pattern, log.read_text())):
        ended = process.poll() is not None or time.monotonic() > deadline
        assert not ended, log.read_text()
        time.sleep(0.2)
    return found


def obstacle(recipe: Recipe) -> str:
    """Why this machine cannot have the system; "" where it can."""
    if recipe != PC:
        return obstacle_of_foreign(recipe)
    if os.geteuid() != 0:
        return "whole systems need root (mmdebstrap and chroot)"
    return "" if shutil.which("mmdebstrap") else "apt-get install mmdebstrap"


@contextmanager
def installation(recipe: Recipe, folder: Path) -> Iterator[Installation]:
    """A system, made where it is not cached, and a layer for it in a new folder."""
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)
    with _system(recipe) as system:
        yield Installation(recipe, system, folder)


@contextmanager
def _system(recipe: Recipe) -> Iterator[Path]:
    included = ",".join([*_INCLUDED, *_MORE.get(recipe.name, [])])
    name = f"{recipe.name}-{hashlib.sha256(included.encode()).hexdigest()[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{recipe.name}.lock").open("w") as lock:
        # Several may stand on a system, one may make it.
        fcntl.flock(lock, fcntl.LOCK_SH)
        if not (CACHE / name).exists():
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (CACHE / name).exists():
                for stale in CACHE.glob(f"{recipe.name}-*"):
                    shutil.rmtree(stale)
                _make(recipe, included, CACHE / name)
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield CACHE / name


def _make(recipe: Recipe, included: str, folder: Path) -> None:
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", "--format=directory"),
            *("--dpkgopt=force-unsafe-io", f"--architectures={recipe.architecture}"),
            *(f"--include={included}", recipe.suite, str(unfinished)),
            f"deb {debian_mirror.own()} {recipe.suite} main",
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    unfinished.rename(folder)
