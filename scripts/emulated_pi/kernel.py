"""Debian's kernel for the board: its image, device tree, modules, and an initramfs of ten lines.

The same for 32 and 64 bit. mkinitramfs would take eight minutes under emulation; this takes none.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from emulated_pi import recipe
from emulated_pi.commands import run
from emulated_pi.progress import step
from pi_edge.errors import Unavailable

# What the board needs to find its SD card and network, in an order that satisfies all.
_BOOT = """
    usb-common phy-generic usbcore roles udc-core dwc2 crc16 libphy mii usbnet cdc_ether rndis_host
    sdhci sdhci-pltfm sdhci-iproc bcm2835 mbcache jbd2 crc32c_generic ext4
"""
# With the watchdog the board can really be rebooted and switched off. The others may be asked for
# later: temperature, random numbers, what systemd looks for.
_WATCHDOG = "bcm2835_wdt"
_LATER = "bcm2835_thermal bcm2835-rng loop fuse autofs4 overlay tun nf_tables"
# gpiozero asks for it: a Raspberry Pi 3 Model B, revision 1.2.
_REVISION = "a02082"

_INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in $(cat /modules/order); do insmod /modules/$module; done
n=0
while [ ! -b /dev/mmcblk0 ] && [ $n -lt 200 ]; do sleep 0.1; n=$((n + 1)); done
mount -t ext4 -o noatime /dev/mmcblk0 /mnt || exec sh
# The board has no clock. QEMU's command line tells when it was switched on; after a reboot the time
# of the last shutdown is later.
now=$(sed -n 's/.*board[.]time=\\([0-9]*\\).*/\\1/p' /proc/cmdline)
last=$(stat -c %Y /mnt/var/lib/systemd/random-seed 2>/dev/null || echo 0)
[ "$last" -gt "$now" ] && now=$last
date -s @"$now" >/dev/null
for folder in dev proc sys; do mount --move /$folder /mnt/$folder; done
exec switch_root /mnt /sbin/init
"""


@dataclass(frozen=True)
class Kernel:
    """A folder with all that QEMU and the userland need of the kernel."""

    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initramfs(self) -> Path:
        return self.folder / "initramfs.gz"

    @property
    def device_tree(self) -> Path:
        return self.folder / "board.dtb"

    @property
    def modules(self) -> Path:
        """lib/modules, for the userland."""
        return self.folder / "modules"


def build(folder: Path) -> None:
    """Download the kernel and make what ``Kernel`` names.

    Raises:
        Unavailable: it cannot be had.
    """
    with step("download Debian's arm64 kernel", 20):
        packages = _download(folder / "apt")
    with step("make the kernel's initramfs", 5):
        unpacked = folder / "unpacked"
        for package in packages:
            run(["dpkg-deb", "-x", package, unpacked])
        release = next((unpacked / "lib/modules").iterdir()).name
        shutil.copy(unpacked / f"boot/vmlinuz-{release}", folder / "vmlinuz")
        _describe_board(unpacked / f"usr/lib/linux-image-{release}", folder / "board.dtb")
        run(["depmod", "-b", unpacked, release])
        modules = unpacked / "lib/modules" / release
        first = [*_BOOT.split(), _WATCHDOG]
        _pack(unpacked, _files(modules, first), folder / "initramfs.gz")
        _keep(modules, _files(modules, [*first, *_LATER.split()]), folder / "modules", release)
    for scratch in ("apt", "unpacked"):
        shutil.rmtree(folder / scratch)


def _download(apt: Path) -> list[Path]:
    """The kernel and a busybox, through an apt of its own: this machine's stays as it is."""
    for name in ("lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(recipe.source() + "\n")
    options = [
        *("-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"),
        *("-o", f"Dir::State={apt}", "-o", f"Dir::State::status={apt}/status"),
        *("-o", f"Dir::State::Lists={apt}/lists", "-o", f"Dir::Cache={apt}/cache"),
        *("-o", f"Dir::Etc::sourcelist={apt}/sources.list", "-o", "Dir::Etc::sourceparts=/none"),
        *("-o", "APT::Sandbox::User=", "-o", "Acquire::Languages=none", "-qq"),
    ]
    run(["apt-get", *options, "update"])
    depends = run(["apt-cache", *options, "depends", "linux-image-arm64"])
    named = re.search(r"linux-image-\d\S*", depends)
    if not named:
        raise Unavailable("Debian's mirror has no linux-image-arm64")
    run(["apt-get", *options, "download", named[0], "busybox-static"], cwd=apt)
    return sorted(apt.glob("*.deb"))


def _describe_board(trees: Path, to: Path) -> None:
    shutil.copy(trees / "broadcom/bcm2837-rpi-3-b.dtb", to)
    run(["fdtput", "-c", to, "/system"])
    run(["fdtput", "-t", "x", to, "/system", "linux,revision", _REVISION])


def _files(modules: Path, names: Iterable[str]) -> list[Path]:
    """The files of these modules and of all that they depend on, each after what it needs."""
    depends = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, needed = line.partition(":")
        depends[file] = needed.split()
    by_name = {Path(file).name.split(".")[0].replace("-", "_"): file for file in depends}
    ordered: list[str] = []
    for name in names:
        found = by_name.get(name.replace("-", "_"))
        if found is None:
            continue  # built into this kernel
        # modules.dep names all, the deepest last
        ordered += [one for one in (*reversed(depends[found]), found) if one not in ordered]
    return [modules / file for file in ordered]


def _pack(unpacked: Path, files: list[Path], to: Path) -> None:
    root = unpacked / "initramfs"
    for name in ("bin", "dev", "proc", "sys", "mnt", "modules"):
        (root / name).mkdir(parents=True)
    shutil.copy(unpacked / "bin/busybox", root / "bin")
    for file in files:
        shutil.copy(file, root / "modules")
    (root / "modules/order").write_text("".join(f"{file.name}\n" for file in files))
    (root / "init").write_text(_INIT)
    (root / "init").chmod(0o755)
    names = [path.relative_to(root) for path in [root, *sorted(root.rglob("*"))]]
    archive = subprocess.run(
        ["cpio", "--create", "--format=newc", "--owner=0:0", "--quiet"],
        input="".join(f"{name}\n" for name in names).encode(),
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    to.write_bytes(gzip.compress(archive, 6))


def _keep(modules: Path, files: list[Path], to: Path, release: str) -> None:
    for file in files:
        copy = to / release / file.relative_to(modules)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (modules / name).exists():
            shutil.copy(modules / name, to / release)
    # depmod wants to see lib/modules below its base.
    base = to.parent / "base"
    (base / "lib").mkdir(parents=True)
    (base / "lib/modules").symlink_to(to)
    run(["depmod", "-b", base, release])
    shutil.rmtree(base)
