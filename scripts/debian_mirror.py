"""Where this machine's own apt takes Debian from."""

from __future__ import annotations

import subprocess


def own() -> str:
    """The mirror's address; "" where apt is not here, or uses none of Debian's."""
    try:
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(REPO_URI) $(COMPONENT)"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    except OSError:
        return ""
    for line in listed.splitlines():
        address, _, component = line.partition(" ")
        if component == "main" and address.rstrip("/").endswith("/debian"):
            return address.rstrip("/")
    return ""
