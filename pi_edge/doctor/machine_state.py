"""Disk, memory, clock and power of the machine."""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pi_edge
from pi_edge.benchmark import machine
from pi_edge.doctor.findings import Finding, fail, ok, warn
from pi_edge.doctor.patient import (
    Patient,
    as_root,
    size,
    stopping,
    text_of,
    unit_of,
    user_name,
    writing,
)

# Of the state folder's file system: bytes, or that part of it where it is small.
_DISK_LOW, _DISK_LOW_PART = 512e6, 0.10
_DISK_FULL, _DISK_FULL_PART = 64e6, 0.02
# Bytes that are available: a worker takes some ten million, styling a photo 200.
_MEMORY_LOW, _MEMORY_SHORT = 256e6, 64e6
_TIME_ERROR = 5  # of ntp_adjtime(3): the clock is not synchronised

# Left behind by systems, and no loss to anybody; the command that clears it away.
_REFUSE = (
    ("var/cache/apt/archives", "apt-get clean"),
    ("var/log/journal", "journalctl --vacuum-size=16M"),
)


def check_disk(patient: Patient) -> Iterator[Finding]:
    """Whether what is learnt can be kept."""
    state = patient.settings.state
    existing = next(path for path in (state, *state.parents) if path.exists())
    found = os.statvfs(existing)
    if found.f_flag & os.ST_RDONLY:
        mount = _mount_of(existing)
        command = as_root(f"mount -o remount,rw {shlex.quote(str(mount))}")
        yield fail(f"{mount} is mounted read-only: nothing is kept", patient.restarted(command))
        return
    if not state.exists():
        yield ok(f"{state} will be made at the first start")
    elif not os.access(state, os.W_OK | os.X_OK) and patient.is_it:
        user = shlex.quote(patient.user)
        command = as_root(f"chown -R {user}: {shlex.quote(str(state))}")
        if state.owner() == patient.user:
            command = f"chmod u+rwx {shlex.quote(str(state))}"
        yield fail(f"{state} may not be written by {patient.user}", patient.restarted(command))
        return
    elif patient.is_service and user_name(state.stat().st_uid) != patient.user:
        command = as_root(f"chown -R {patient.user}: {shlex.quote(str(state))}")
        yield fail(
            f"{state} is {user_name(state.stat().st_uid)}'s and not {patient.user}'s, who runs"
            " the daemon",
            patient.restarted(command),
        )
        return
    free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    told = f"{size(free)} of {size(total)} are free for {state}"
    if free < min(_DISK_FULL, _DISK_FULL_PART * total):
        yield fail(f"{told}: it is full", *_room(patient, existing))
    elif free < min(_DISK_LOW, _DISK_LOW_PART * total):
        yield warn(told, *_room(patient, existing))
    else:
        yield ok(told)


def check_memory(
    patient: Patient, low: float = _MEMORY_LOW, short: float = _MEMORY_SHORT
) -> Iterator[Finding]:
    """Whether there is room for models.

    Args:
        low, short: bytes available below which that is a warning, or a failure.
    """
    found = dict(re.findall(r"^(\w+): +(\d+) kB", text_of(patient.root / "proc/meminfo"), re.M))
    if "MemAvailable" not in found:
        yield ok("this system does not say")
        return
    free = int(found["MemAvailable"]) * 1024
    told = f"{size(free)} of {size(int(found['MemTotal']) * 1024)} are available"
    if free >= low:
        yield ok(told)
        return
    finding = fail if free < short else warn
    largest = _largest(patient)
    if largest is None:
        yield finding(told, words="end something that takes much")
        return
    yield finding(
        f"{told}; the most is taken by {largest.name} (process {largest.folder.name},"
        f" {size(largest.taken)})",
        stopping(largest.folder),
    )


def check_clock(patient: Patient) -> Iterator[Finding]:
    """Whether the clock is right: certificates, logs and learned models carry dates."""
    made = Path(pi_edge.__file__).stat().st_mtime
    now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    wrong = time.time() < made - 86400
    if not wrong and _is_synchronised():
        yield ok(f"{now} UTC, kept right by a time server")
        return
    told = f"{now} UTC, {'before pi-edge was installed' if wrong else 'kept right by nobody'}"
    finding = fail if wrong else warn
    known = _timedate()
    if not known:
        yield finding(told, words="have a time server asked, as by the package chrony")
    elif known.get("CanNTP") == "no":
        yield finding(told, as_root("apt install systemd-timesyncd"))
    elif known.get("NTP") == "no":
        yield finding(told, as_root("timedatectl set-ntp true"))
    else:
        yield finding(
            f"{told}, though time servers are asked",
            words="see that the network is up and lets NTP through: timedatectl timesync-status",
        )


def check_power(patient: Patient) -> Iterator[Finding]:
    """What the Raspberry Pi's firmware says of its supply and its heat."""
    word = machine.throttled(patient.root)
    if word is None:
        yield ok("this machine's firmware does not tell")
        return
    now, before = machine.throttling_now(word), machine.throttling_since_boot(word)
    if "under-voltage" in now:
        yield fail(
            f"now: {', '.join(now)} ({word:#x})",
            words="use the supply and the cable made for this Raspberry Pi",
        )
    elif now:
        yield warn(f"now: {', '.join(now)} ({word:#x})", words="cool it: a heat sink, a fan, air")
    elif "under-voltage" in before:
        yield warn(
            f"since it started, not now: {', '.join(before)} ({word:#x})",
            words="use the supply and the cable made for this Raspberry Pi; it is forgotten at the"
            " next start",
        )
    elif before:
        yield warn(
            f"since it started, not now: {', '.join(before)} ({word:#x})",
            words="cool it: a heat sink, a fan, air; it is forgotten at the next start",
        )
    else:
        yield ok("enough voltage, not throttled, since the machine started")


@dataclass(frozen=True)
class _Process:
    folder: Path
    name: str
    taken: int


def _largest(patient: Patient) -> _Process | None:
    """The process that holds most memory and is none of ours."""
    daemon = int((patient.status or {}).get("pid") or 0)
    spared = {os.getpid(), 1, daemon, *_below(patient.root / "proc", daemon)}
    largest = None
    page = os.sysconf("SC_PAGE_SIZE")
    for folder in (patient.root / "proc").glob("[0-9]*"):
        try:
            pid, taken = int(folder.name), int((folder / "statm").read_text().split()[1]) * page
            name = (folder / "comm").read_text().strip()
            if pid in spared or (largest and taken <= largest.taken):
                continue
        except (OSError, ValueError, IndexError):  # it has ended meanwhile
            continue
        if unit_of(folder) != "pi-edge.service":
            largest = _Process(folder, name, taken)
    return largest


def _below(proc: Path, pid: int) -> set[int]:
    """The processes that a process started, and those that they did."""
    parents: dict[int, int] = {}
    for folder in proc.glob("[0-9]*"):
        # proc_pid_stat(5): the name, in parentheses, may hold anything.
        fields = text_of(folder / "stat").rpartition(")")[2].split()
        if len(fields) > 1:
            parents[int(folder.name)] = int(fields[1])
    found = {pid} - {0}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _room(patient: Patient, existing: Path) -> tuple[str, str]:
    """The command that frees most of a file system without loss, or words."""
    here = existing.stat().st_dev
    found = [(patient.root / name, as_root(command)) for name, command in _REFUSE]
    kept = patient.settings.state / "models" / ".previous"
    quoted = shlex.quote(str(kept))
    found.append((kept, writing(kept, f"rm -r {quoted}")))
    weighed = [
        (_weight(folder), command)
        for folder, command in found
        if folder.is_dir() and os.access(folder, os.R_OK) and folder.stat().st_dev == here
    ]
    weight, command = max(weighed, default=(0, ""))
    if weight < 1e6:
        mount = shlex.quote(str(_mount_of(existing)))
        return "", f"remove what is not needed; this tells the largest: du -xh {mount} | sort -h"
    return command, ""


def _weight(folder: Path) -> int:
    """Bytes on the disk below a folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).lstat().st_blocks * 512
            except OSError:
                continue
    return total


def _mount_of(path: Path) -> Path:
    path = path.resolve()
    return next(one for one in (path, *path.parents) if one.is_mount())


def _is_synchronised() -> bool:
    """What the kernel says (ntp_adjtime(3)): struct timex begins with the modes, of which none is
    set, so that it only reads, and has fewer than 512 bytes on every machine."""
    try:
        return int(ctypes.CDLL(None).ntp_adjtime(ctypes.create_string_buffer(512))) != _TIME_ERROR
    except AttributeError:  # no glibc
        return True


def _timedate() -> dict[str, str]:
    """What systemd knows of the clock; {} where it is not there."""
    try:
        done = subprocess.run(["timedatectl", "show"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
