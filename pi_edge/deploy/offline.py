"""What a host without internet would download: wheels and Debian packages, from here."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pi_edge import files
from pi_edge.deploy.manifest import File
from pi_edge.deploy.wheelhouse import Target, build
from pi_edge.errors import PiEdgeError

Say = Callable[[str], None]

# Debian's architecture -> the interpreter's, whatever the kernel is.
_ARCHITECTURES = {"arm64": "aarch64", "armhf": "armv7l", "amd64": "x86_64"}
# Several hosts of one kind share a wheelhouse: the first one makes it.
_alone = threading.Lock()


def cache() -> Path:
    """Where wheelhouses are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pi-edge" / "wheelhouse"


def target(facts: Mapping[str, Any]) -> Target:
    """The kind of machine that wheels are wanted for.

    Args:
        facts: as the agent tells them.

    Raises:
        PiEdgeError: it is none that they can be had for.
    """
    if facts["dpkg"] not in _ARCHITECTURES:
        raise PiEdgeError(f"--offline knows Debian and Raspberry Pi OS, not {facts['system']}")
    major, minor = facts["python"]
    libc = str(facts["libc"]).removeprefix("glibc ").split(".")
    return Target(
        architecture=_ARCHITECTURES[facts["dpkg"]],
        python=(major, minor),
        suite=facts["suite"],
        dpkg=facts["dpkg"],
        glibc=(int(libc[0]), int(libc[1])),
        bits=facts["bits"],
    )


def collect(wanted: Target, say: Say) -> list[File]:
    """The files of a wheelhouse, made where it is not kept.

    Raises:
        PiEdgeError: it cannot be had.
    """
    with _alone:
        made = build(wanted, cache(), say)
    return [
        File(path.name, files.sha256(path), path.stat().st_size, path)
        for path in (*made.wheels, *made.debs)
    ]
