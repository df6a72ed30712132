"""Debian packages, by debhelper: pi-edge for all architectures, pi-edge-runtime for each.

The files that debhelper reads are in scripts/debian. Nothing is compiled, so one machine builds for
all.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from packages import distributions, source, wheels

ARCHITECTURES = tuple(wheels.MACHINES)
_COMMANDS = {"dpkg-buildpackage": "dpkg-dev", "dh": "debhelper", "lintian": "lintian"}


def build(dist: Path = source.DIST, architectures: Sequence[str] = ARCHITECTURES) -> list[Path]:
    """Build the packages into a folder, and have lintian look at them. Returns their paths.

    Raises:
        Failed: they cannot be built, or lintian complains; the message says what to do.
    """
    source.need(_COMMANDS)
    work, log = source.BUILD / "debian", source.BUILD / "debian.log"
    shutil.rmtree(work, ignore_errors=True)
    log.unlink(missing_ok=True)
    tree = work / f"pi-edge-{source.version()}"
    wheel = distributions.build(dist)[1]
    source.export(tree)
    shutil.copytree(tree / "scripts" / "debian", tree / "debian")
    wheels.download(source.BUILD / "wheels", log)
    shutil.copytree(source.BUILD / "wheels", tree / "wheels")
    (tree / "wheels" / "pi-edge").mkdir()
    shutil.copy(wheel, tree / "wheels" / "pi-edge")
    source.date(tree)
    built = _binaries(tree, "all", ["--build=all"], log)
    for architecture in architectures:
        options = ["--build=any", "--host-arch", architecture]
        built += _binaries(tree, architecture, options, log)
    source.say("lintian looks at them")
    source.run(["lintian", "--fail-on", "error,warning", "--allow-root", *built], log)
    return [Path(shutil.copy2(path, dist / path.name)) for path in built]


def _binaries(tree: Path, architecture: str, options: Sequence[str], log: Path) -> list[Path]:
    """Build the packages of one architecture. Returns them."""
    source.say(f"building the packages for {architecture}")
    command = ["dpkg-buildpackage", "--unsigned-source", "--unsigned-changes", *options]
    # No compiler of the other architecture is needed, and so none is looked for.
    source.run([*command, "--no-check-builddeps"], log, cwd=tree)
    return sorted(tree.parent.glob(f"*_{architecture}.deb"))
