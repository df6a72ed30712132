"""The PC's disk, from Debian's packages. Runs as mmdebstrap's last step:

python -m pc_tree TREE FOLDER
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from emulated_pi import settings
from emulated_pi.commands import SYSTEM_PATH, environment

ROOT = Path(__file__).resolve().parents[2]
HOST = "systemd-pc"
SIZE = "4G"
# As settings.COMMANDS, without what only a Raspberry Pi has: a PC has no group gpio.
COMMANDS = (
    ("useradd", "--create-home", "--shell", "/bin/bash", "--groups", "adm,sudo", "pi"),
    ("systemctl", "enable", "systemd-networkd", "ssh"),
    ("systemctl", "set-default", "multi-user.target"),
)
# What takes an emulated machine long at each boot, and nobody here needs.
_MASKED = """
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
    e2scrub_reap.service getty@tty1.service serial-getty@ttyS0.service getty-static.service
    systemd-networkd-wait-online.service systemd-timesyncd.service systemd-binfmt.service
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-pstore.service
    modprobe@efi_pstore.service modprobe@drm.service modprobe@fuse.service modprobe@loop.service
    modprobe@dm_mod.service modprobe@configfs.service dev-hugepages.mount sys-kernel-debug.mount
    sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount
    proc-sys-fs-binfmt_misc.automount systemd-firstboot.service systemd-sysusers.service
"""
# All that the initramfs must bring.
MODULES = "virtio_pci\nvirtio_blk\next4\n"
# $1 tree, $2 disk, $3 its size: without what is mounted in the tree.
_DISK = 'mount --bind "$1" /mnt && exec mke2fs -q -t ext4 -L rootfs -d /mnt "$2" "$3"'


def make(tree: Path, folder: Path, sources: str) -> None:
    """Set the tree up, and write kernel, initramfs and disk into ``folder``."""
    for command in (*COMMANDS, ("systemctl", "mask", *_MASKED.split())):
        subprocess.run(["chroot", tree, *command], env=environment(), check=True)
    _trust(tree)
    _bring_packages(tree)
    settings.write(tree, HOST, sources, folder)
    (tree / "etc/fstab").write_text("/dev/vda / ext4 noatime 0 1\n")
    # A journal that outlives a reboot.
    (tree / "var/log/journal").mkdir(exist_ok=True)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copyfile((tree / name).resolve(), folder / name)
    _empty(tree)
    command = ["unshare", "--mount", "sh", "-c", _DISK, "sh", tree, folder / "sd.img", SIZE]
    subprocess.run(command, env=environment(), check=True)


def _trust(tree: Path) -> None:
    """This machine's own certificates: package indexes are reached as they are from here."""
    for file in Path("/etc/ssl/certs").iterdir():
        if file.is_file() and not (file.suffix == ".pem" and file.is_symlink()):
            copy = tree / "etc/ssl/certs" / file.name
            copy.unlink(missing_ok=True)  # a link leads out of the tree
            shutil.copyfile(file, copy)


def _bring_packages(tree: Path) -> None:
    """Make /opt/pi-edge/.venv as scripts/install-service does. Emulated, this alone would take a
    quarter of an hour; what is left to do there is all the rest, and to see that this is there."""
    target = tree / "opt/pi-edge"
    shutil.copytree(ROOT / "scripts/lib", target / "scripts/lib")
    shutil.copytree(ROOT / "pi_edge", target / "pi_edge")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, target)
    (tree / "etc/resolv.conf").unlink(missing_ok=True)
    shutil.copy("/etc/resolv.conf", tree / "etc/resolv.conf")
    command = ["chroot", tree, "python3", "/opt/pi-edge/scripts/lib/setup.py", "prepare"]
    environ = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": "/root"}
    subprocess.run(command, env=environ, check=True)
    for path in target.iterdir():
        if path.name != ".venv":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _empty(tree: Path) -> None:
    """What was needed for the building alone, or must differ between machines."""
    for pattern in ("var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*_*"):
        for path in tree.glob(pattern):
            path.unlink()
    (tree / "etc/machine-id").write_text("")
    (tree / "var/lib/dbus/machine-id").unlink(missing_ok=True)


def prepare(tree: Path) -> None:
    """Keep the initramfs small, which is unpacked at each boot."""
    folder = tree / "etc/initramfs-tools"
    (folder / "conf.d").mkdir(parents=True, exist_ok=True)
    (folder / "conf.d/small").write_text("MODULES=list\nCOMPRESS=gzip\n")
    (folder / "modules").write_text(MODULES)


if __name__ == "__main__":
    tree, folder = map(Path, sys.argv[1:])
    if sys.argv[2] == "before":
        prepare(tree)
    else:
        make(tree, folder, (folder / "sources").read_text())
