"""The status light's pin: chip, library, rights, and who has it."""

from __future__ import annotations

import fcntl
import grp
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from pi_edge.doctor import software
from pi_edge.doctor.findings import Finding, fail, ok, warn
from pi_edge.doctor.patient import Patient, as_root, groups_of

# linux/gpio.h, ABI version 1: struct gpioline_info (offset, flags, name[32], consumer[32]).
_LINE, _GET_LINE = struct.Struct("II32s32s"), 0xC048B402
_USED = 1  # GPIOLINE_FLAG_KERNEL: taken, by the kernel or by a process

RULE = "/etc/udev/rules.d/60-pi-edge-gpio.rules"


def check_gpio(patient: Patient) -> Iterator[Finding]:
    """Whether the light can be driven."""
    if patient.settings.led in ("off", "mock"):
        yield ok(f"the settings say led = {patient.settings.led}: no pin is wanted")
        return
    pin = patient.settings.led_pin
    told = (patient.status or {}).get("led", {})
    if told.get("factory") and not told.get("out"):
        yield ok(f"the light is on GPIO{pin}, through {told['factory']}")
        return
    chip = chip_of(patient.root)
    if chip is None and not told.get("out", "").startswith(f"GPIO{pin} "):
        yield from _no_chip(patient)
        return
    if chip is not None:
        yield from _rights(patient, chip)
        if not software.has("lgpio"):
            yield fail("lgpio is missing, which drives the pins", *_lgpio(patient))
            return
    yield _pin(patient, chip, pin, told.get("out") or "")


def chip_of(root: Path) -> Path | None:
    """The device of the chip that has the header's pins; None where there is none. On a Raspberry
    Pi it is the first one (since kernel 6.6.47 on a Pi 5, too)."""
    chips = sorted((root / "dev").glob("gpiochip*"))
    return chips[0] if chips else None


def line_of(chip: Path, pin: int) -> tuple[bool, str]:
    """Whether a line is taken, and by whom.

    Raises:
        OSError: it may not be looked at, or the chip has no such line.
    """
    handle = os.open(chip, os.O_RDONLY | os.O_CLOEXEC)
    try:
        asked = bytearray(_LINE.pack(pin, 0, b"", b""))
        fcntl.ioctl(handle, _GET_LINE, asked)
    finally:
        os.close(handle)
    _, flags, _, consumer = _LINE.unpack(asked)
    return bool(flags & _USED), consumer.rstrip(b"\0").decode(errors="replace")


def _no_chip(patient: Patient) -> Iterator[Finding]:
    if patient.settings.led == "gpio":
        text = "this machine has no GPIO, and the settings say led = gpio: the light is out"
        yield fail(text, patient.setting("led", "auto"))
    else:
        yield ok("this machine has no GPIO: there is no light to drive")


def _rights(patient: Patient, chip: Path) -> Iterator[Finding]:
    """Whether who runs the daemon may open the chip: by its group, which gpio is meant to be."""
    about = chip.stat()
    group = group_name(about.st_gid)
    shared = stat.S_IMODE(about.st_mode) & 0o060 == 0o060
    if patient.user == "root" or about.st_mode & 0o006 == 0o006:
        yield ok(f"{chip.name}, which {patient.user} may open")
    elif not shared or group == "root":
        rule = 'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"'
        group_first = "" if has_group("gpio") else f"{as_root('groupadd --system gpio')} && "
        yield fail(
            f"{chip.name} is not the group gpio's (it is {group}'s): only root may open it",
            f"{group_first}echo '{rule}' | {as_root(f'tee {RULE}')} &&"
            f" {as_root('udevadm control --reload')} &&"
            f" {as_root('udevadm trigger --settle --subsystem-match=gpio')}",
        )
    elif group in patient.unit.get("SupplementaryGroups", "").split() and patient.is_service:
        yield ok(f"{chip.name}, which the service may open as one of the group {group}")
    elif about.st_gid in groups_of(patient.user):
        if patient.is_it and about.st_gid not in os.getgroups():
            text = f"{patient.user} is in the group {group}, but from the next login on"
            yield warn(text, words="log out and in again")
        else:
            yield ok(f"{chip.name}, which {patient.user} may open as one of the group {group}")
    else:
        command = as_root(f"usermod --append --groups {group} {patient.user}")
        yield fail(f"{patient.user} is not in the group {group}, whose {chip.name} is", command)


def _pin(patient: Patient, chip: Path | None, pin: int, out: str) -> Finding:
    other = patient.setting("led_pin", "27" if pin != 27 else "22")
    if "busy" in out:
        return fail(f"GPIO{pin} is taken by something else: the light is out", other)
    if out.startswith(f"GPIO{pin} "):
        return fail(f"{out}: the light is out", patient.restart)
    assert chip is not None
    try:
        taken, consumer = line_of(chip, pin)
    except PermissionError:
        return ok(f"GPIO{pin}: who has it is not to be seen by you")
    except OSError as error:
        return fail(f"{chip.name} has no line {pin} ({error.strerror})", other)
    if taken and not patient.locked:  # else the daemon has it, and does not say so to us
        by = f" by {consumer}" if consumer else ""
        return fail(f"GPIO{pin} is taken{by}: the light would be out", other)
    return ok(f"GPIO{pin} is {'the light' if taken else 'free'}")


def _lgpio(patient: Patient) -> tuple[str, str]:
    this = software.this()
    if this.version >= (3, 13) or this.bits == 32:
        # CPython 3.13 on ARM has no wheel.
        return patient.restarted(as_root("apt install python3-lgpio")), ""
    return software.installing(patient, "lgpio>=0.2.2")


def group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def has_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
