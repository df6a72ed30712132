"""What this machine is, for the checks before anything is changed (pi_edge/deploy/checks.py)."""

from __future__ import annotations

import grp
import importlib.util
import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import interpreter

from pi_edge.benchmark import emulation

# Python's name of a module, and of the Debian package that brings it.
_PACKAGES = {
    "ensurepip": "python3-venv",
    "numpy": "python3-numpy",
    "PIL": "python3-pil",
    "cffi": "python3-cffi",
    "lgpio": "python3-lgpio",
}


def gather() -> dict[str, Any]:
    """The facts, as JSON takes them. Sizes in bytes, times in seconds."""
    python = interpreter.this()
    try:
        runtimes, refused = interpreter.runtimes(python), ""
    except interpreter.Refused as refusal:
        runtimes, refused = (), str(refusal)
    system = _os_release()
    return {
        "python": list(python.version),
        "bits": python.bits,
        "machine": python.machine,
        "libc": os.confstr("CS_GNU_LIBC_VERSION") if python.libc == "glibc" else python.libc,
        "runtimes": list(runtimes),
        "refused": refused,
        "gpio": interpreter.has_gpio(python),
        "gpio_group": _has_group("gpio"),
        "system": system.get("PRETTY_NAME", "Linux"),
        "suite": system.get("VERSION_CODENAME", ""),
        "dpkg": _dpkg_architecture(),
        "apt": bool(shutil.which("apt-get")),
        "lacking": lacking(),
        "systemd": Path("/run/systemd/system").is_dir(),
        "free": min(shutil.disk_usage(folder).free for folder in ("/opt", "/var")),
        "clock": time.time(),
        "board": _board(),
        "emulated": emulation.detect(),
        "hostname": platform.node(),
    }


def lacking() -> list[str]:
    """Debian packages that an environment needs and that are not installed."""
    python = interpreter.this()
    modules = ["ensurepip"]
    if python.bits == 32:
        modules += ["numpy", "PIL", "cffi"]
    if interpreter.has_gpio(python) and python.version >= (3, 13):
        modules.append("lgpio")
    importlib.invalidate_caches()
    return [_PACKAGES[name] for name in modules if not importlib.util.find_spec(name)]


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _dpkg_architecture() -> str:
    """Debian's name of the architecture, arm64 or armhf; "" where this is no Debian."""
    if not shutil.which("dpkg"):
        return ""
    asked = ["dpkg", "--print-architecture"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip()


def _has_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _board() -> str:
    try:
        return Path("/proc/device-tree/model").read_text().rstrip("\0")
    except OSError:
        return ""
