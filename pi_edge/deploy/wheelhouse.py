"""All that pi-edge needs on a Pi that has no network: wheels, and .debs where there are no wheels.

A wheelhouse is made on the laptop, once for all Pis that are alike, and kept there: from then on it
takes no network on either side.
"""

from __future__ import annotations

import configparser
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pi_edge import files
from pi_edge.deploy import OPTIONAL
from pi_edge.deploy.target import Target
from pi_edge.errors import PiEdgeError, Unavailable

ROOT = Path(__file__).resolve().parent.parent.parent

# Published as source only, all Python: the laptop makes the wheel.
_SOURCE_ONLY = {"pyvips"}
_RUNTIMES = {"ai-edge-litert", "tflite-runtime"}
# Debian's Python has none.
_TOOLS = ("pip",)
_STAMP = "wheelhouse.json"


@dataclass(frozen=True)
class Wheelhouse:
    """What must be brought to a Pi.

    Attributes:
        runtime: the extra of setup.cfg whose TFLite runtime it has.
        wheels: wheels; pip's own is one of them.
        debs: Debian packages with all that they need there, in apt's order; often none.
    """

    runtime: str
    wheels: Sequence[Path]
    debs: Sequence[Path]


def requirements(target: Target, checkout: Path, runtime: str) -> list[str]:
    """What setup.cfg requires on the target with one of the TFLite runtimes, photos included."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(checkout / "setup.cfg")
    extras = settings["options.extras_require"]
    listed = [settings["options"]["install_requires"], extras[runtime], extras["photos"]]
    listed += [extras["pi"]] * target.gpio
    return [line for text in listed for line in text.splitlines() if line.strip()]


def build(
    target: Target, folder: Path, say: Callable[[str], None], checkout: Path = ROOT
) -> Wheelhouse:
    """Collect what the target needs, or find it collected.

    Args:
        folder: where wheelhouses are kept, those of all targets.
        say: told what is being done.

    Raises:
        PiEdgeError: it cannot be had; the message says what to do.
        Unavailable: no package index or no mirror answers.
    """
    debs = _debs(target, folder / "debs", say)
    runtime, wheels = _wheels(target, folder, checkout, say)
    return Wheelhouse(runtime, wheels, debs)


def _debs(target: Target, folder: Path, say: Callable[[str], None]) -> list[Path]:
    """The .debs for what the target lacks."""
    from pi_edge.deploy import debs

    needed = [package for package in target.lacking if package not in OPTIONAL]
    if target.lacking and not target.status:
        raise PiEdgeError(f"it does not tell what is installed, so that {needed} could be chosen")
    if target.lacking:
        say(f"collecting {', '.join(target.lacking)} for {target.name}")
    if needed != list(target.lacking):
        try:
            return debs.collect(target.lacking, target, folder)
        except Unavailable:
            raise
        except PiEdgeError as error:
            say(f"the status light will stay dark: {error}")
    return debs.collect(needed, target, folder) if needed else []


def _wheels(
    target: Target, folder: Path, checkout: Path, say: Callable[[str], None]
) -> tuple[str, list[Path]]:
    """The TFLite runtime that the target gets, and the wheels."""
    wanted = {runtime: requirements(target, checkout, runtime) for runtime in target.runtimes}
    with _alone(folder, _name(target, wanted)) as house:
        if kept := _kept(house):
            return kept
        say(f"collecting wheels for {target.name}")
        unfinished = Path(tempfile.mkdtemp(dir=folder, prefix=f".{house.name}."))
        try:
            runtime = _collect(target, wanted, unfinished)
            hashes = {path.name: files.sha256(path) for path in sorted(unfinished.glob("*.whl"))}
            files.write_json(unfinished / _STAMP, {"runtime": runtime, "wheels": hashes})
            shutil.rmtree(house, ignore_errors=True)
            unfinished.rename(house)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        size = sum((house / name).stat().st_size for name in hashes)
        say(f"collected {len(hashes)} wheels, {size / 1e6:.0f} MB")
        return runtime, [house / name for name in hashes]


def _collect(target: Target, wanted: Mapping[str, Sequence[str]], folder: Path) -> str:
    """Put the wheels of the first runtime that there is into a folder; which one that is."""
    from pi_edge.deploy import wheels

    for runtime, required in wanted.items():
        source = [one for one in required if _package(one) in _SOURCE_ONLY]
        built = [wheels.build(one, target, folder) for one in source]
        roots = [one for one in required if one not in source]
        roots += [one for release in built for one in release.requires]
        try:
            wheels.download(wheels.resolve([*roots, *_TOOLS], target), target, folder)
        except wheels.NoWheel as lack:
            if runtime == list(wanted)[-1] or lack.package not in _RUNTIMES:
                raise
        else:
            return runtime
    raise PiEdgeError(f"no TFLite runtime is built for {target.name}")


def _package(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def _name(target: Target, wanted: Mapping[str, Sequence[str]]) -> str:
    """What a wheelhouse is kept as: another name for whatever would need other wheels."""
    decisive = [wanted, _TOOLS, list(target.platforms()), list(target.markers())]
    digest = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
    version = "{}{}".format(*target.python)
    return f"{target.suite}-{target.dpkg}-cp{version}-{digest[:12]}"


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[Path]:
    """Let one make a wheelhouse at a time; whoever waited finds it made."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / f".{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f".{name}.*"):  # of a power cut
            if left.is_dir():
                shutil.rmtree(left)
        yield folder / name
    finally:
        os.close(lock)


def _kept(house: Path) -> tuple[str, list[Path]] | None:
    """A wheelhouse made earlier, where it is still whole."""
    try:
        stamp = json.loads((house / _STAMP).read_bytes())
        if all(files.sha256(house / name) == sha256 for name, sha256 in stamp["wheels"].items()):
            return stamp["runtime"], [house / name for name in stamp["wheels"]]
    except (OSError, ValueError, LookupError, TypeError):
        pass
    return None
