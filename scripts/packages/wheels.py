"""What Debian's packages of pi-edge bring because Debian has it too old or not at all.

Which wheels stands in wheels/*.txt, each pinned to one version and its hashes. NumPy, Pillow,
gpiozero, tqdm, h11, click and idna come from Debian everywhere; on Trixie nearly everything does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packages import source

LISTS = Path(__file__).with_name("wheels")
# The C library of the oldest system, Bookworm.
_GLIBC = 36
# Debian's name of an architecture: the wheels' name of it.
MACHINES = {"arm64": "aarch64", "armhf": "armv7l", "amd64": "x86_64"}


@dataclass(frozen=True)
class Wanted:
    """One list, for one package.

    Attributes:
        listed: the list's name.
        architecture: Debian's name: all, arm64, armhf or amd64.
        python: for which Python.
    """

    listed: str
    architecture: str
    python: str


EVERYTHING = (
    Wanted("pure-3.11", "all", "3.11"),
    Wanted("litert-3.11", "arm64", "3.11"),
    Wanted("litert-3.13", "arm64", "3.13"),
    Wanted("litert-3.11", "amd64", "3.11"),
    Wanted("litert-3.13", "amd64", "3.13"),
    Wanted("tflite-runtime-3.11", "armhf", "3.11"),
)


def download(folder: Path, log: Path) -> None:
    """Put all wheels into FOLDER/ARCHITECTURE/PYTHON; those that are there already stay.

    Raises:
        Failed: they cannot be had.
    """
    source.say("collecting what Debian does not have")
    for wanted in EVERYTHING:
        command: list[str | Path] = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--require-hashes", "--only-binary=:all:", "--implementation", "cp"),
            *("--python-version", wanted.python, *_platforms(wanted.architecture)),
            *("--dest", folder / wanted.architecture / wanted.python),
            *("--requirement", LISTS / f"{wanted.listed}.txt"),
        ]
        source.run(command, log)


def _platforms(architecture: str) -> Iterator[str]:
    """Platform tags of wheels that run there (PEP 600), as pip's options."""
    if architecture != "all":
        machine = MACHINES[architecture]
        for minor in range(_GLIBC, 16, -1):
            yield from ("--platform", f"manylinux_2_{minor}_{machine}")
        yield from ("--platform", f"manylinux2014_{machine}")
