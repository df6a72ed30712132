"""Whether this machine is only played by another one.

An emulated Raspberry Pi computes what a real one computes but takes a time that says nothing
about a Pi, so its figures must never be mistaken for one's.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# e_machine of the ELF header (System V ABI and its processor supplements)
ELF_MACHINES = {3: "x86", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}

# What QEMU's SD card, USB and processor models call themselves. A QEMU "raspi3b" has the device
# tree, and so the name, of a real Raspberry Pi 3: only its parts give it away.
_QEMU_PARTS = (
    "sys/block/mmcblk*/device/name",
    "sys/bus/usb/devices/*/manufacturer",
    "sys/bus/usb/devices/*/product",
)


def detect(
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
    machine: str = "",
    executable: Path | None = None,
) -> str:
    """How we know that this process runs on an emulated processor; "" when nothing says so.

    A virtual machine that runs on the real processor (KVM, Xen, cloud) is not emulated.

    Args:
        root: where /proc and /sys are.
        environ: PI_EDGE_EMULATED=1 says it outright.
        machine: what uname calls the processor; this process' own where empty.
        executable: the program this process believes to be; the Python interpreter where None.
    """
    machine = machine or platform.machine()
    if environ.get("PI_EDGE_EMULATED", "0") not in ("", "0"):
        return "PI_EDGE_EMULATED is set"
    return (
        _user_mode(root, executable or Path(sys.executable).resolve())
        or _foreign_cpuinfo(root, machine)
        or _qemu_parts(root)
        or (_detect_virt() if root == Path("/") else "")
    )


def _user_mode(root: Path, executable: Path) -> str:
    """qemu-user answers /proc/self with its guest, but leaves /proc/thread-self to the kernel,
    which knows what really runs."""
    really = root / "proc/thread-self/exe"
    try:
        name = really.readlink().name
    except OSError:
        return ""
    if name.startswith("qemu-"):
        return f"the process is run by {name}"
    ours, theirs = _elf_machine(executable), _elf_machine(really)
    if ours and theirs and ours != theirs:
        known = ELF_MACHINES.get(ours, str(ours)), ELF_MACHINES.get(theirs, str(theirs))
        return f"the {known[0]} program is run by the {known[1]} program {name}"
    return ""


def _foreign_cpuinfo(root: Path, machine: str) -> str:
    text = _read(root / "proc/cpuinfo")
    if machine.startswith(("arm", "aarch64")) and "vendor_id" in text:
        return f"uname says {machine}, /proc/cpuinfo describes an x86 processor"
    if "QEMU TCG" in text:
        return "the processor is QEMU's TCG"
    return ""


def _qemu_parts(root: Path) -> str:
    # Elsewhere QEMU's parts are mostly those of KVM, which runs on the real processor.
    if not _read(root / "proc/device-tree/model").startswith("Raspberry Pi"):
        return ""
    for pattern in _QEMU_PARTS:
        for path in root.glob(pattern):
            if "QEMU" in _read(path):
                return f"/{path.relative_to(root)} says QEMU"
    return ""


@cache  # a machine does not change into another one, and this starts a process
def _detect_virt() -> str:
    """systemd says "qemu" where QEMU runs without KVM (systemd-detect-virt(1))."""
    if not shutil.which("systemd-detect-virt"):
        return ""
    try:
        answer = subprocess.run(
            ["systemd-detect-virt", "--vm"], capture_output=True, text=True, timeout=10
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "systemd-detect-virt says qemu" if answer == "qemu" else ""


def _elf_machine(path: Path) -> int:
    """e_machine of an ELF file, 0 where it is none or cannot be read."""
    try:
        with path.open("rb") as file:
            header = file.read(20)
    except OSError:
        return 0
    if len(header) < 20 or header[:4] != b"\x7fELF":
        return 0
    return int.from_bytes(header[18:20], "little" if header[5] == 1 else "big")


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
