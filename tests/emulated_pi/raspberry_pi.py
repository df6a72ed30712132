"""An emulated Raspberry Pi: commands run in a tree, on a clone of this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debian_trees import Recipe
from support import ROOT

CLONE = "home/pi/pi-edge"
OWNER = 1000, 1000

# Binds what the command needs of the host into the tree and becomes the command, as user pi.
# The mounts are seen by this process alone and vanish with it.
_ENTER = """
tree=$1; shift
mount -t proc proc "$tree/proc"
mount --rbind /dev "$tree/dev"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$tree$1"; else mkdir -p "$tree${1%/*}"; : >>"$tree$1"; fi
    mount --bind "$1" "$tree$1"
    shift
done
shift
exec chroot --userspec=1000:1000 "$tree" /bin/sh -c 'cd "$0" && exec "$@"' "$@"
"""


@dataclass(frozen=True)
class Pi:
    """A tree with a clone of this checkout in its user's home."""

    recipe: Recipe
    tree: Path

    @property
    def clone(self) -> Path:
        """The clone, as this machine sees it."""
        return self.tree / CLONE

    def start(
        self, *command: str, environ: Mapping[str, str] | None = None, **popen: Any
    ) -> subprocess.Popen[str]:
        """Start a command in the clone; its process is the command's own, so signals reach it."""
        settings, files = _pip()
        return subprocess.Popen(
            [
                *("unshare", "--mount", "sh", "-euc", _ENTER, "sh", str(self.tree)),
                *("/etc/resolv.conf", "/etc/hosts", *files, "--"),
                *(f"/{CLONE}", *command),
            ],
            env={
                "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                "HOME": "/home/pi",
                "LANG": "C.UTF-8",
                "QEMU_CPU": self.recipe.processor,
                "PI_EDGE_EMULATED": "1",
                "PIP_NO_COMPILE": "1",  # modules never imported need not be compiled, slowly
                **settings,
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            text=True,
            **popen,
        )

    def run(
        self, *command: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone to its end."""
        process = self.start(
            *command, environ=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def update_clone(self) -> None:
        """Make the clone what the checkout is now; what set-up made there stays."""
        clone = self.clone
        clone.mkdir(exist_ok=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
        for folder, folders, files in os.walk(clone):
            folders[:] = [f for f in folders if f not in (".venv", "__pycache__")]
            for file in files:
                path = Path(folder, file)
                name = str(path.relative_to(clone))
                if name not in wanted and ".egg-info/" not in name:
                    path.unlink()
        for name in wanted:
            copy = clone / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy)
        for folder, folders, files in os.walk(clone):
            folders[:] = [f for f in folders if f != ".venv"]
            for path in (Path(folder), *(Path(folder, file) for file in files)):
                os.chown(path, *OWNER, follow_symlinks=False)


def _pip() -> tuple[dict[str, str], list[str]]:
    """This machine's pip configuration: as environment, and the files and folders it names."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True
    ).stdout
    settings = {
        name.upper().replace("-", "_"): value
        for _, name, value in re.findall(r"^(global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.M)
    }
    environ = {f"PIP_{name}": value.replace("\\n", " ") for name, value in settings.items()}
    values = " ".join(environ.values())
    paths = {Path(path) for path in re.findall(r"(?:^|\s)(/\S+)", values)}
    # An index in a folder links to files beside it.
    paths |= {Path(path).parent for path in re.findall(r"file://(/\S+)", values)}
    return environ, sorted({str(path) for path in paths if path.exists()})
