"""What Raspberry Pi OS sets up that Debian does not: the user pi, the GPIO group, the network."""

from __future__ import annotations

import shutil
from pathlib import Path

_GROUPS = "adm,dialout,sudo,audio,video,plugdev,games,users,input,netdev,gpio,i2c,spi"

# Run in the tree.
COMMANDS = (
    *(("groupadd", "--force", "--system", group) for group in ("gpio", "i2c", "spi", "netdev")),
    ("groupadd", "--force", "--system", "input"),
    ("useradd", "--create-home", "--shell", "/bin/bash", "--groups", _GROUPS, "pi"),
    ("systemctl", "enable", "systemd-networkd", "ssh"),
    # Consoles that nobody sees, and work that would disturb whatever is measured.
    ("systemctl", "disable", "getty@tty1", "apt-daily.timer", "apt-daily-upgrade.timer"),
    ("systemctl", "disable", "e2scrub_all.timer", "e2scrub_reap", "fstrim.timer"),
    ("systemctl", "mask", "serial-getty@ttyAMA0", "systemd-networkd-wait-online"),
)

_FILES = {
    "etc/fstab": "/dev/mmcblk0 / ext4 noatime 0 1\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",
    "etc/systemd/network/10-ethernet.network": """\
[Match]
Name=usb* eth* en*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
DNS=10.0.2.3
LinkLocalAddressing=no
IPv6AcceptRA=no
""",
    "etc/sudoers.d/010_pi-nopasswd": "pi ALL=(ALL) NOPASSWD: ALL\n",
    "etc/udev/rules.d/99-com.rules": """\
SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"
SUBSYSTEM=="*gpiomem*", GROUP="gpio", MODE="0660"
SUBSYSTEM=="i2c-dev", GROUP="i2c", MODE="0660"
SUBSYSTEM=="spidev", GROUP="spi", MODE="0660"
""",
    "etc/default/locale": "LANG=C.UTF-8\n",
}


def write(tree: Path, host: str, sources: str, folder: Path) -> None:
    """Write the board's own files.

    Args:
        sources: apt's lines.
        folder: has key.pub, which may log in as pi, and host/, which the board shows itself with.
    """
    names = f"127.0.0.1\tlocalhost\n127.0.1.1\t{host}\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    files = {
        **_FILES,
        "etc/hostname": f"{host}\n",
        "etc/hosts": names,
        "etc/apt/sources.list": sources,
        "home/pi/.ssh/authorized_keys": (folder / "key.pub").read_text(),
    }
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.write_text(text)
    (tree / "etc/sudoers.d/010_pi-nopasswd").chmod(0o440)
    for name, mode in (("home/pi/.ssh", 0o700), ("home/pi/.ssh/authorized_keys", 0o600)):
        (tree / name).chmod(mode)
        shutil.chown(tree / name, 1000, 1000)
    for key in (folder / "host").iterdir():
        copy = tree / "etc/ssh" / key.name
        shutil.copyfile(key, copy)
        copy.chmod(0o644 if key.suffix == ".pub" else 0o600)
