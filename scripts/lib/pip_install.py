"""Running pip: its output goes to a log, and what went wrong becomes one line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from interpreter import Refused
from progress import watch

_RUNTIMES = {"ai-edge-litert", "tflite-runtime"}
_UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError"
    r"|Max retries exceeded|Temporary failure in name resolution|Network is unreachable"
)
_NO_WHEEL = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")


class Unreachable(Refused):
    """No package index answers; nothing was changed."""


class NoWheel(Refused):
    """``package`` has no wheel for this Python."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f"there is no {package} for Python {sys.version_info[0]}.{sys.version_info[1]} on this"
            " machine: use Python 3.11 to 3.13, as in PYTHON=python3.11 and the same command"
        )


def is_runtime(package: str) -> bool:
    """Whether a distribution is one of the TFLite runtimes."""
    return package.lower().replace("_", "-") in _RUNTIMES


def install(python: Path, checkout: Path, extras: Sequence[str], log: Path) -> None:
    """Install the checkout, editable, with ``extras``.

    Wheels only: a Pi has no compiler, and pages of compiler errors help nobody. In setuptools' mode
    "compat" the checkout is on the module path; else a finder is, which every Python in the
    environment imports as it starts, for a third of the time that it takes to.

    Raises:
        Unreachable: no package index answers.
        NoWheel: something has no wheel for this Python.
        Refused: anything else; the log's end has been shown.
    """
    target = f".[{','.join(extras)}]"
    options = ["--only-binary=:all:", "--config-settings", "editable_mode=compat"]
    logged([*_pip(python), *options, "--editable", target], log, cwd=checkout)


def install_wheels(python: Path, requirements: Sequence[str], log: Path) -> None:
    """Install distributions, none of which is built here.

    Raises:
        Unreachable, NoWheel, Refused: as ``install``.
    """
    logged([*_pip(python), "--only-binary=:all:", *requirements], log, tail=0)


def install_photos(python: Path, requirements: Sequence[str], log: Path) -> None:
    """Install pyvips and the libvips that comes as a wheel.

    pyvips itself is published as source only: all Python, and quickly installed by the setuptools
    beside it. In an environment of pip's own, 32-bit ARM's cffi from apt would be out of its reach.

    Args:
        requirements: what extra ``photos`` requires.

    Raises:
        Unreachable, NoWheel, Refused: as ``install``.
    """
    source = [one for one in requirements if re.match(r"pyvips\b(?!-)", one)]
    wheels = ["setuptools>=70.1", *(one for one in requirements if one not in source)]
    logged([*_pip(python), "--only-binary=:all:", *wheels], log, tail=0)
    logged([*_pip(python), "--no-deps", "--no-build-isolation", *source], log, tail=0)


def _pip(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]


def logged(command: Sequence[str], log: Path, cwd: Path | None = None, tail: int = 15) -> None:
    """Run ``command`` with its output in ``log``.

    Args:
        tail: so many of its last lines are shown where they are all that can be said.

    Raises:
        Refused: it failed; of the class that fits best.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        status = watch(process, log)
    if status:
        raise explain(log.read_text(errors="replace"), log, tail)


def explain(text: str, log: Path, tail: int = 15) -> Refused:
    """What a failed command's output means."""
    missing = _NO_WHEEL.search(text)
    # pip goes on after a connection error and ends with "no matching distribution", first of all
    # for setuptools, which every index has: look for the cause before the consequence.
    if _UNREACHABLE.search(text) or (missing and missing[1] == "setuptools"):
        return Unreachable(
            "no package index answers: connect this machine to the network (or set pip's proxy"
            " or index) and run the same command again"
        )
    if missing:
        return NoWheel(missing[1])
    if "No space left on device" in text:
        return Refused("the disk is full: make room and run the same command again")
    for line in text.splitlines()[-tail:] if tail else []:
        print(f"  {line}", file=sys.stderr)
    return Refused(f"the set-up failed; all that was said is in {log}")
