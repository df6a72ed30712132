"""Wheels for another machine than this one, collected by pip.

pip chooses wheels for a platform it is told, but judges environment markers by the interpreter that
it runs on. So the dependencies are followed here, with the markers that hold there; pip is asked
for nothing but the best release for a list of requirements, again and again until the list stays
as it is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# pip is there wherever it can be asked for wheels, and has this on board.
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

from pi_edge.deploy.target import Target
from pi_edge.errors import PiEdgeError, Unavailable

_ROUNDS = 20
_PIP = (sys.executable, "-m", "pip", "--no-input", "--disable-pip-version-check")
_UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError"
    r"|Max retries exceeded|Temporary failure in name resolution|Network is unreachable"
)
_NO_WHEEL = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")


class NoWheel(PiEdgeError):
    """A package has no wheel for the target.

    Attributes:
        package: its normalized name.
    """

    def __init__(self, package: str, target: Target) -> None:
        super().__init__(f"no package index has {package} for {target.name}")
        self.package = str(canonicalize_name(package))


@dataclass(frozen=True)
class Found:
    """A release that pip would choose.

    Attributes:
        version: its version.
        requires: what it depends on, whatever the extra or platform.
    """

    version: str
    requires: tuple[str, ...]


def resolve(roots: Iterable[str], target: Target) -> dict[str, Found]:
    """The releases that ``roots`` and all that they depend on come to on the target.

    Args:
        roots: requirements (PEP 508); those whose markers do not hold there count for nothing.

    Returns:
        Releases by normalized name, without what Debian brings there.

    Raises:
        NoWheel: something has no wheel for the target.
        Unavailable: no package index answers.
        PiEdgeError: the requirements contradict each other, or what Debian has.
    """
    first = tuple(roots)
    found: dict[str, Found] = {}
    wanted: dict[str, Wanted] = {}
    for _ in range(_ROUNDS):
        before, wanted = wanted, want(first, found, target)
        if wanted == before:
            return found
        known = {name: found[name] for name in wanted if wanted[name] == before.get(name)}
        others = {name: wanted[name] for name in wanted if name not in known}
        found = known | (_ask_pip(others, target) if others else {})
    raise PiEdgeError(f"the requirements of {', '.join(found)} chase each other")


@dataclass(frozen=True)
class Wanted:
    """All that is required of one package.

    Attributes:
        specifiers: versions that will do, such as ">=1.24,<2".
        extras: which of its extras.
    """

    specifiers: frozenset[str] = frozenset()
    extras: frozenset[str] = frozenset()

    def and_also(self, requirement: Requirement) -> Wanted:
        more = frozenset(filter(None, str(requirement.specifier).split(",")))
        return Wanted(self.specifiers | more, self.extras | frozenset(requirement.extras))


def want(first: Sequence[str], found: Mapping[str, Found], target: Target) -> dict[str, Wanted]:
    """What is required on the target by ``first`` and, in turn, by the releases found so far.

    Raises:
        PiEdgeError: another version than Debian has of what it brings.
    """
    wanted: dict[str, Wanted] = {}
    queue = [(Requirement(text), frozenset({""})) for text in first]
    while queue:
        requirement, extras = queue.pop()
        if not holds(requirement, extras, target):
            continue
        name = str(canonicalize_name(requirement.name))
        there = target.from_debian.get(name)
        if there is not None:
            if not requirement.specifier.contains(there, prereleases=True):
                raise PiEdgeError(
                    f"{requirement} is required, and {target.name} has {name} {there}"
                )
            continue
        before = wanted.get(name)
        wanted[name] = (before or Wanted()).and_also(requirement)
        if wanted[name] != before and name in found:
            asked = wanted[name].extras | {""}
            queue += [(Requirement(text), asked) for text in found[name].requires]
    return wanted


def holds(requirement: Requirement, extras: Iterable[str], target: Target) -> bool:
    """Whether a requirement's marker may hold on the target, for any of ``extras``."""
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({**there, "extra": extra}) for there in target.markers() for extra in extras
    )


def download(releases: Mapping[str, Found], target: Target, folder: Path) -> None:
    """Put the wheels of ``releases`` into ``folder``.

    Raises:
        NoWheel, Unavailable, PiEdgeError: as ``resolve``.
    """
    pins = [f"{name}=={release.version}" for name, release in releases.items()]
    _run(["download", "--dest", str(folder), *_options(target), *pins], target)


def build(requirement: str, target: Target, folder: Path) -> Found:
    """Make the wheel of a package that is published as source only and is all Python.

    Raises:
        PiEdgeError: it cannot be built, or would run only on machines like this one.
    """
    name = Requirement(requirement).name
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as made:
        command = ["wheel", "--no-deps", "--wheel-dir", made, requirement]
        # pyvips would compile itself for this machine where it found a libvips to compile against.
        _run(command, target, PKG_CONFIG="false")
        (wheel,) = Path(made).iterdir()
        if not wheel.name.endswith("-none-any.whl"):
            raise PiEdgeError(f"{name} cannot be built for {target.name} on this machine")
        wheel.rename(folder / wheel.name)
        return _read(folder / wheel.name)


def _read(wheel: Path) -> Found:
    """What a wheel says of itself (core metadata specification)."""
    import email
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(archive.read(name))
    return Found(str(told["Version"]), tuple(told.get_all("Requires-Dist", [])))


def _ask_pip(wanted: Mapping[str, Wanted], target: Target) -> dict[str, Found]:
    """pip's choice for each package, by its installation report: metadata only, no download
    where the index has them apart from the wheels (PEP 658)."""
    with tempfile.TemporaryDirectory(prefix="pi-edge-") as folder:
        report = Path(folder, "report.json")
        options = ["--dry-run", "--ignore-installed", "--target", folder]
        packages = [name + ",".join(sorted(want.specifiers)) for name, want in wanted.items()]
        _run(
            ["install", *options, "--report", str(report), *_options(target), *sorted(packages)],
            target,
        )
        chosen = [item["metadata"] for item in json.loads(report.read_bytes())["install"]]
    return {
        str(canonicalize_name(told["name"])): Found(
            told["version"], tuple(told.get("requires_dist", ()))
        )
        for told in chosen
    }


def _options(target: Target) -> list[str]:
    version = "{}.{}".format(*target.python)
    return [
        *("--no-deps", "--only-binary=:all:", "--implementation", "cp"),
        *("--python-version", version, "--abi", f"cp{version.replace('.', '')}"),
        *(option for tag in target.platforms() for option in ("--platform", tag)),
    ]


def _run(command: Sequence[str], target: Target, **environ: str) -> None:
    done = subprocess.run(
        [*_PIP, *command],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if not done.returncode:
        return
    # pip goes on after a connection error and ends with "no matching distribution".
    if _UNREACHABLE.search(done.stdout):
        raise Unavailable(
            "no package index answers: connect this machine to the network (or set pip's proxy or"
            " index) and try again"
        )
    if missing := _NO_WHEEL.search(done.stdout):
        raise NoWheel(missing[1], target)
    if "No space left on device" in done.stdout:
        raise PiEdgeError("the disk of this machine is full: make room and try again")
    errors = [line for line in done.stdout.splitlines() if line.startswith("ERROR: ")]
    reason = (errors or done.stdout.strip().splitlines()[-1:] or [f"exit {done.returncode}"])[0]
    raise PiEdgeError(f"pip {command[0]} failed: {reason.removeprefix('ERROR: ')}")
