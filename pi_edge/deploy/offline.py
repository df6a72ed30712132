"""What a host without internet would download: wheels and Debian packages, from here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pi_edge import files
from pi_edge.deploy.manifest import File
from pi_edge.deploy.ssh import Host
from pi_edge.deploy.target import Target
from pi_edge.deploy.wheelhouse import build


def cache() -> Path:
    """Where wheelhouses are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pi-edge" / "wheelhouse"


def collect(host: Host, facts: Mapping[str, Any], say: Callable[[str], None]) -> list[File]:
    """The files that a host needs, collected where they are not kept from an earlier time.

    Args:
        facts: as the agent tells them.

    Raises:
        PiEdgeError: they cannot be had.
    """
    # A wheelhouse has pip, which is all that python3-venv would be needed for.
    lacking = [package for package in facts["lacking"] if package != "python3-venv"]
    # What is installed decides what a Debian package needs beside itself.
    status = host.run("cat", "/var/lib/dpkg/status").decode() if lacking else ""
    made = build(Target.of({**facts, "lacking": lacking}, status), cache(), say)
    return [
        File(path.name, files.sha256(path), path.stat().st_size, path)
        for path in (*made.wheels, *made.debs)
    ]
