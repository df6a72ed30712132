"""What machine this is and how it feels: processor, system, clock, temperature, throttling.

Every function takes the root folder to read under, so that it can be shown another machine's
/proc and /sys. What a machine does not tell is left out: no value is ever made up.
"""

from __future__ import annotations

import os
import platform
import shutil
import struct
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pi_edge
from pi_edge import runtime
from pi_edge.benchmark import emulation

ROOT = Path("/")

# Bits of the Raspberry Pi firmware's throttle word, as `vcgencmd get_throttled` prints it
# (Raspberry Pi documentation, "vcgencmd"). Sixteen bits higher: the same since boot.
THROTTLE_BITS = {
    0: "under-voltage",
    1: "clock capped",
    2: "throttled",
    3: "soft temperature limit",
}

# "CPU part" of /proc/cpuinfo where the kernel gives no model name (64-bit ARM);
# from the Main ID Register values in Arm's technical reference manuals.
ARM_PARTS = {
    0xB76: "ARM1176",
    0xC07: "Cortex-A7",
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD40: "Neoverse-V1",
    0xD49: "Neoverse-N2",
    0xD4F: "Neoverse-V2",
}


def describe(root: Path = ROOT) -> dict[str, Any]:
    """What stays the same while measuring: board, processor, memory, system, versions.

    Returns:
        Keys ``board`` (a Raspberry Pi's model), ``cpu``, ``cores`` (usable by this process),
        ``architecture``, ``pointer_bits``, ``memory_bytes``, ``os``, ``kernel``, ``python``,
        ``numpy``, ``pi_edge``, ``runtime`` (name and version), ``emulated`` (bool) and
        ``emulation`` (how we know). ``board``, ``cpu`` and ``memory_bytes`` are None where
        the machine does not say.
    """
    reason = emulation.detect(root)
    return {
        "board": board(root),
        "cpu": cpu(root),
        "cores": usable_cores(),
        "architecture": platform.machine(),
        "pointer_bits": struct.calcsize("P") * 8,
        "memory_bytes": memory_bytes(root),
        "os": operating_system(root),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "pi_edge": pi_edge.__version__,
        "runtime": runtime.describe(),
        "emulated": bool(reason),
        "emulation": reason,
    }


def conditions(root: Path = ROOT) -> dict[str, Any]:
    """What changes while measuring, now: clock, governor, temperature, throttle word.

    Returns:
        Keys ``clock_mhz``, ``governor``, ``temperature_c`` and ``throttled`` (the firmware's
        word, an int), each None where the machine does not say.
    """
    return {
        "clock_mhz": clock_mhz(root),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "temperature_c": temperature_c(root),
        "throttled": throttled(root),
    }


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def board(root: Path = ROOT) -> str | None:
    """The board's name from the device tree: "Raspberry Pi 4 Model B Rev 1.4"."""
    return _text(root / "proc/device-tree/model")


def cpu(root: Path = ROOT) -> str | None:
    """The processor's name from /proc/cpuinfo, in words where it gives only a part number."""
    facts = _cpuinfo(root)
    if "model name" in facts:
        return facts["model name"]
    try:
        part = int(facts["CPU part"], 16)
    except (KeyError, ValueError):
        return None
    return ARM_PARTS.get(part, f"ARM part {part:#x}")


def memory_bytes(root: Path = ROOT) -> int | None:
    """Memory of the whole machine."""
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def operating_system(root: Path = ROOT) -> str:
    """Name and release: Raspberry Pi OS is Debian to os-release, so its own mark decides."""
    name = platform.system()
    for line in (_text(root / "etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            name = line.partition("=")[2].strip().strip('"')
    return f"Raspberry Pi OS on {name}" if (root / "etc/rpi-issue").exists() else name


def clock_mhz(root: Path = ROOT) -> int | None:
    """The first core's clock now."""
    frequency = _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
    if frequency and frequency.isdigit():
        return round(int(frequency) / 1000)
    try:
        return round(float(_cpuinfo(root)["cpu MHz"]))
    except (KeyError, ValueError):
        return None


def temperature_c(root: Path = ROOT) -> float | None:
    """The hottest thermal zone, degrees Celsius (on a Raspberry Pi there is one, the SoC's)."""
    degrees = []
    for zone in sorted(root.glob("sys/class/thermal/thermal_zone*/temp")):
        text = _text(zone)
        if text and text.lstrip("-").isdigit():
            degrees.append(int(text) / 1000)
    return max(degrees, default=None)


def throttled(root: Path = ROOT) -> int | None:
    """The firmware's throttle word, None on a machine that has no such firmware.

    Asks ``vcgencmd get_throttled``, which only Raspberry Pi OS has and which needs group
    video; else the kernel's own file.
    """
    if root == ROOT and shutil.which("vcgencmd"):
        try:
            answer = subprocess.run(
                ["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5
            ).stdout
            return int(answer.strip().removeprefix("throttled="), 16)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            pass
    try:
        word = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
        return int(word, 16) if word else None
    except ValueError:
        return None


def throttling_now(word: int | None) -> list[str]:
    """What slows the machine at this moment, in words; empty where nothing does."""
    return [text for bit, text in THROTTLE_BITS.items() if (word or 0) >> bit & 1]


def throttling_since_boot(word: int | None) -> list[str]:
    """What has slowed the machine at any time since it booted, in words."""
    return throttling_now((word or 0) >> 16)


def throttling_between(before: int | None, after: int | None) -> list[str]:
    """What slowed the machine in a stretch of time that these two words frame.

    It did if it does at either end, or if the firmware noted a first time in between.
    """
    began = (after or 0) >> 16 & ~((before or 0) >> 16)
    return throttling_now((before or 0) | (after or 0) | began)


def _cpuinfo(root: Path) -> dict[str, str]:
    """The first value of each key of /proc/cpuinfo."""
    facts: dict[str, str] = {}
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    return facts


def _text(path: Path) -> str | None:
    """A file's text without surrounding space (the device tree ends strings with a zero byte)."""
    try:
        return path.read_bytes().decode(errors="replace").strip("\0 \t\n") or None
    except OSError:
        return None
