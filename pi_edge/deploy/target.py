"""What is installed on: a Pi's Python and Debian, for those who collect packages elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Names of an interpreter's architecture: Python's wheels', and dpkg's.
_DPKG = {"aarch64": "arm64", "armv7l": "armhf", "x86_64": "amd64"}

# Python packages that Debian brings where PyPI has no wheels, with Debian's version. 32-bit ARM has
# a TFLite runtime on Bookworm only.
_FROM_DEBIAN = {
    "armv7l": {"numpy": "1.24.2", "pillow": "9.4.0", "cffi": "1.15.1", "pycparser": "2.21"}
}


@dataclass(frozen=True)
class Target:
    """A machine on which pi-edge is to be installed.

    Attributes:
        architecture: the interpreter's: aarch64, armv7l or x86_64.
        python: its major and minor version.
        suite: code name of its Debian or Raspberry Pi OS.
        dpkg: what dpkg calls the architecture: arm64, armhf or amd64.
        glibc: major and minor version of its C library.
        bits: the interpreter's pointer size.
        machine: the kernel's name of the processor; a 64-bit kernel may run a 32-bit interpreter.
        runtimes: extras of setup.cfg that bring a TFLite runtime, best first.
        gpio: whether it has pins to drive.
        lacking: Debian packages that pi-edge needs there and that are not installed.
        status: contents of its /var/lib/dpkg/status, which tell what else those need.
    """

    architecture: str
    python: tuple[int, int]
    suite: str
    dpkg: str
    glibc: tuple[int, int]
    bits: int
    machine: str
    runtimes: tuple[str, ...]
    gpio: bool = True
    lacking: tuple[str, ...] = ()
    status: str = ""

    @classmethod
    def of(cls, facts: Mapping[str, Any], status: str = "") -> Target:
        """The machine that an agent tells of (pi_edge/deploy/agent/facts.py)."""
        architecture = facts["machine"] if facts["bits"] == 64 else "armv7l"
        major, _, minor = str(facts["libc"]).removeprefix("glibc ").partition(".")
        return cls(
            architecture=architecture,
            python=(facts["python"][0], facts["python"][1]),
            suite=facts["suite"],
            dpkg=_DPKG.get(architecture, architecture),
            glibc=(int(major), int(minor)),
            bits=facts["bits"],
            machine=facts["machine"],
            runtimes=tuple(facts["runtimes"]),
            gpio=facts["gpio"],
            lacking=tuple(facts["lacking"]),
            status=status,
        )

    @property
    def name(self) -> str:
        """In words."""
        version = "{}.{}".format(*self.python)
        return f"{self.suite} {self.dpkg}, {self.bits}-bit Python {version}"

    @property
    def from_debian(self) -> Mapping[str, str]:
        """Python packages that Debian brings there, by normalized name, with their versions."""
        return _FROM_DEBIAN.get(self.architecture, {})

    def platforms(self) -> Iterator[str]:
        """Platform tags of wheels that run there, best first (PEP 599, PEP 600)."""
        for minor in range(self.glibc[1], 16, -1):
            yield f"manylinux_2_{minor}_{self.architecture}"
            if minor == 17:
                yield f"manylinux2014_{self.architecture}"
        yield f"linux_{self.architecture}"

    def markers(self) -> Iterator[Mapping[str, str]]:
        """What environment markers may be there (PEP 508): which patch release of Python it has
        is not known."""
        version = "{}.{}".format(*self.python)
        for patch in (0, 99):
            yield {
                "implementation_name": "cpython",
                "implementation_version": f"{version}.{patch}",
                "os_name": "posix",
                "platform_machine": self.machine,
                "platform_python_implementation": "CPython",
                "platform_release": "",
                "platform_system": "Linux",
                "platform_version": "",
                "python_full_version": f"{version}.{patch}",
                "python_version": version,
                "sys_platform": "linux",
            }
