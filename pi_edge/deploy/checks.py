"""Whether pi-edge can be deployed to a host: one line for what stands in the way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from pi_edge.deploy.ssh import Host
from pi_edge.errors import PiEdgeError

# An environment takes 500 MB with what pip downloads for it, a release 10 MB.
NEEDED_BYTES = 1_000_000_000
NEEDED_AGAIN_BYTES = 100_000_000
_DAY = 86_400.0
_GLIBC = (2, 28)  # manylinux_2_28, what the wheels are built for

# One line for what is missing, before anything can be asked of Python.
_PROBE = """
sudo -n true 2>/dev/null || { echo sudo; exit; }
[ -d /run/systemd/system ] || { echo systemd; exit; }
[ -x /usr/bin/python3 ] || { echo python; exit; }
/usr/bin/python3 -c 'import sys
print("version" if sys.version_info < (3, 11) else "fine", *sys.version_info[:2])'
echo ${SSH_CONNECTION:-}
"""


def probe(host: Host) -> str:
    """See that the agent can run on a host.

    Returns:
        The host's own address, as the connection found it; "" where it cannot be told.

    Raises:
        PiEdgeError: it cannot; the message says what to do.
    """
    lines = host.run("sh", "-c", _PROBE, timeout=120).decode(errors="replace").splitlines()
    word, *version = lines[0].split() if lines else ["nothing"]
    if word == "fine":
        connection = lines[1].split() if len(lines) > 1 else []
        return connection[2] if len(connection) == 4 else ""
    raise PiEdgeError(
        {
            "sudo": "sudo asks for a password there: let it not, with a line"
            " 'USER ALL=(ALL) NOPASSWD: ALL' in /etc/sudoers.d/pi-edge, or come as a user who may",
            "systemd": "it does not run systemd, which keeps the daemon running",
            "python": "it has no /usr/bin/python3: sudo apt install python3",
            "version": f"its Python is {'.'.join(version)}; pi-edge needs 3.11 or newer, as"
            " Raspberry Pi OS Bookworm has",
        }.get(word, f"it answers with {lines[0]!r}" if lines else "it answers nothing")
    )


def refusal(facts: Mapping[str, Any]) -> str:
    """What can never work on a machine; "" where it can.

    Args:
        facts: as the agent tells them.
    """
    if facts["refused"]:
        return str(facts["refused"])
    libc = re.fullmatch(r"glibc (\d+)\.(\d+)", str(facts["libc"]))
    if libc and (int(libc[1]), int(libc[2])) < _GLIBC:
        return f"its {facts['libc']} is older than what wheels are built for: use Bookworm or newer"
    return ""


def obstacle(
    facts: Mapping[str, Any],
    name: str,
    *,
    make_environment: bool,
    offline: bool,
    clock: Callable[[], float] = time.time,
) -> str:
    """What must be mended before a deployment; "" where nothing stands in the way.

    Args:
        facts: as the agent tells them.
        name: the host as the user calls it.
        make_environment: whether dependencies must be installed.
        offline: whether they come from here and not from a package index.
        clock: the time here, in seconds since 1970.
    """
    needed = NEEDED_BYTES if make_environment else NEEDED_AGAIN_BYTES
    if facts["free"] < needed:
        return (
            f"its disk has {facts['free'] / 1e6:.0f} MB free and {needed / 1e6:.0f} MB are needed:"
            " make room, for example with sudo apt clean"
        )
    if make_environment and not offline and abs(facts["clock"] - clock()) > _DAY:
        there = time.strftime("%Y-%m-%d", time.gmtime(facts["clock"]))
        here = time.strftime("%Y-%m-%d", time.gmtime(clock()))
        return (
            f"its clock says {there}, here it is {here}; no package index can be trusted so: set it"
            f' with  ssh {name} sudo date -u -s "$(date -u +%Y-%m-%dT%H:%M:%S)"'
        )
    if facts["lacking"] and not facts["apt"] and not offline:
        return f"it lacks {', '.join(facts['lacking'])} and has no apt-get to install them"
    return ""


def describe(facts: Mapping[str, Any]) -> str:
    """A machine in a few words."""
    version = ".".join(map(str, facts["python"]))
    board = facts["board"] or facts["machine"]
    emulated = ", emulated" if facts["emulated"] else ""
    return f"{board}{emulated}, {facts['system']}, {facts['bits']}-bit Python {version}"
