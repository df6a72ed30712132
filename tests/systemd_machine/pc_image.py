"""A Debian machine of this machine's own kind (x86_64), made once and kept where the emulated
boards' images are."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from emulated_pi import image as images
from emulated_pi import needs, recipe
from emulated_pi.commands import environment, run
from emulated_pi.progress import step

from pi_edge.errors import Unavailable

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent.parent / "scripts"
PACKAGES = (
    *(package for package in recipe.PACKAGES if package != "systemd-timesyncd"),
    *("linux-image-cloud-amd64", "e2fsprogs"),
)
_NEEDED = {
    **{"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils"},
    **{"ssh": "openssh-client", "ssh-keygen": "openssh-client"},
    **{"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "unshare": "util-linux"},
}


@dataclass(frozen=True)
class PcImage:
    """What all PCs start from: sd.img, vmlinuz, initrd.img, key and host/ in ``folder``."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "sd.img"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def host_key(self) -> str:
        """The machine's public host key: type and key."""
        text = (self.folder / "host/ssh_host_ed25519_key.pub").read_text()
        return " ".join(text.split()[:2])


def obstacle() -> str:
    """Why this machine cannot have such a PC; "" where it can."""
    if os.uname().machine != "x86_64":
        return "the emulated PC's image is made on x86_64"
    missing = {package for command, package in _NEEDED.items() if not needs.find(command)}
    missing |= set() if recipe.KEYRING.exists() else {"debian-archive-keyring"}
    missing |= set() if os.geteuid() == 0 or needs.find("newuidmap") else {"uidmap"}
    names = " ".join(sorted(missing))
    return f"this machine lacks some programs: sudo apt-get install {names}" if missing else ""


def ensure() -> PcImage:
    """The image, made where it is not there yet; one builder at a time.

    Raises:
        Unavailable: it could not be made.
    """
    root = recipe.images()
    source = [HERE / "pc_tree.py", HERE / "pc_image.py", SCRIPTS.parent / "setup.cfg"]
    folder = root / f"{recipe.SUITE}-pc-{recipe.key_of(map(str, source))}"
    if not folder.exists():
        root.mkdir(parents=True, exist_ok=True)
        with images.alone(root / "lock"):
            images.make_whole(folder, f"{recipe.SUITE}-pc-*", _build)
            for old in root.glob(f"{recipe.SUITE}-pc-*/"):
                if old != folder:
                    images.remove(old)
    return PcImage(folder)


def _build(folder: Path) -> None:
    (folder / "host").mkdir()
    for file, comment in (("key", "pi-edge"), ("host/ssh_host_ed25519_key", "pc")):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", folder / file])
    (folder / "sources").write_text(images.sources())
    hook = f'PYTHONPATH="$MODULES" "{sys.executable}" -m pc_tree "$1"'
    command = [
        *("mmdebstrap", "--variant=minbase", "--architectures=amd64"),
        *(f"--include={','.join(PACKAGES)}", "--aptopt=Acquire::Languages none"),
        *(f"--essential-hook={hook} before", f'--customize-hook={hook} "{folder}"'),
        *("--format=null", recipe.SUITE, "-", recipe.source()),
    ]
    if os.geteuid() == 0:
        # Its mounts, and all it starts, end with it, however it ends.
        alone = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        command = [*alone, *command, "--mode=root"]
    else:
        command.append("--mode=unshare")
        folder.chmod(0o777)  # the root of its namespace is another user here
    log = recipe.images() / "pc.log"
    modules = os.pathsep.join(map(str, (HERE, SCRIPTS, SCRIPTS.parent)))
    with step("make the PC's disk from Debian's packages", 150), log.open("wb") as output:
        done = subprocess.run(
            command,
            env={**environment(), "TMPDIR": str(folder), "MODULES": modules},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        raise Unavailable(f"mmdebstrap could not make the PC's disk; all that it said is in {log}")
    (folder / "sd.img").chmod(0o444)
