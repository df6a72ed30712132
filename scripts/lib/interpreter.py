"""What this Python is, and which TFLite runtime it can have."""

from __future__ import annotations

import importlib.util
import os
import platform
import struct
import sys
from dataclasses import dataclass
from pathlib import Path


class Refused(Exception):
    """It cannot work here. The message is one line that says what to do instead."""


@dataclass(frozen=True)
class Interpreter:
    """The Python that the environment is made with.

    Attributes:
        version: major and minor.
        bits: pointer size in bits. It decides, not ``machine``: a 32-bit Raspberry Pi OS on
            a 64-bit kernel calls itself aarch64.
        system: Linux, Darwin, ...
        machine: the kernel's name of the processor: x86_64, aarch64, armv7l, ...
        libc: glibc, or anything else; Linux only.
    """

    version: tuple[int, int]
    bits: int
    system: str
    machine: str
    libc: str

    @property
    def arm(self) -> bool:
        return self.machine.startswith(("arm", "aarch64"))

    @property
    def name(self) -> str:
        return f"{self.bits}-bit Python {self.version[0]}.{self.version[1]} on {self.machine}"


def this() -> Interpreter:
    """The interpreter that is running."""
    return Interpreter(
        version=sys.version_info[:2],
        bits=8 * struct.calcsize("P"),
        system=platform.system(),
        machine=platform.machine(),
        libc=_libc(),
    )


def _libc() -> str:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")[0]
    except (ValueError, OSError):  # only the GNU C library knows that name
        return ""


def runtimes(python: Interpreter) -> tuple[str, ...]:
    """The extras of setup.cfg that bring a TFLite runtime, best first.

    LiteRT has wheels for every 64-bit Python that pi-edge supports, and whether it has one for
    a newer Python only pip can tell. tflite-runtime, its predecessor, ended with CPython 3.11.

    Raises:
        Refused: no runtime was ever built for this Python.
    """
    if python.system == "Linux" and python.libc != "glibc":
        raise Refused(
            "no TFLite runtime is built for this C library: use Debian, Ubuntu, Raspberry Pi OS"
            " or another Linux with glibc, and its Python 3.11 to 3.14"
        )
    if python.bits == 32 and python.machine == "armv6l":
        raise Refused(
            "no TFLite runtime is built for ARMv6: use a Raspberry Pi 2, Zero 2 or newer,"
            " and Python 3.11"
        )
    if python.bits == 32 and python.arm:
        if python.version > (3, 11):
            raise Refused(
                f"no TFLite runtime is built for {python.name}: use a 64-bit Raspberry Pi OS,"
                " or Python 3.11, which the 32-bit Raspberry Pi OS Bookworm has"
            )
        return ("tflite-runtime",)
    if python.bits == 32:
        raise Refused(
            f"no TFLite runtime is built for {python.name}: use a 64-bit Python 3.11 to 3.14"
        )
    return ("litert", "tflite-runtime") if python.version <= (3, 11) else ("litert",)


def has_gpio(python: Interpreter) -> bool:
    """Whether this is an ARM board with pins, for which gpiozero needs lgpio."""
    return python.arm and Path("/dev/gpiochip0").exists()


def can_have_libvips(python: Interpreter) -> bool:
    """Whether pyvips can be installed. It needs cffi, which has no 32-bit ARM wheel on PyPI: there
    it must have come from apt."""
    return python.bits == 64 or importlib.util.find_spec("cffi") is not None


def needs_system_packages(python: Interpreter) -> bool:
    """Whether the environment must see what apt installed.

    32-bit ARM takes NumPy, Pillow and cffi from there, for PyPI has none of them; so does a board
    with Python 3.13 or newer with lgpio.
    """
    return python.bits == 32 or (has_gpio(python) and python.version >= (3, 13))
