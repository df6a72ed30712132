"""Debian packages for another machine than this one, collected by an apt of its own.

It has the other machine's list of installed packages and architecture, and the mirrors of this
machine's apt; this machine's own apt and dpkg learn nothing of it. It needs no root.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pi_edge.deploy.target import Target
from pi_edge.errors import PiEdgeError, Unavailable

# For machines whose apt knows no Debian mirror, such as Ubuntu's.
MIRROR = "PI_EDGE_DEBIAN_MIRROR"
_KEYRINGS = [
    Path("/usr/share/keyrings", f"debian-archive-keyring.{ending}") for ending in ("gpg", "pgp")
]
# "Inst NAME [VERSION INSTALLED] (VERSION ORIGIN [ARCHITECTURE])" of apt-get --simulate.
_TO_INSTALL = re.compile(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\w+)\]\)", re.MULTILINE)
_UNREACHABLE = re.compile(r"Temporary failure|Could not (connect|resolve)|Cannot initiate")


def collect(packages: Sequence[str], target: Target, folder: Path) -> list[Path]:
    """The .debs of ``packages`` and of all that these need on the target beside what is there.

    Without a network those will do that an earlier call left in ``folder``.

    Raises:
        PiEdgeError: this machine has no apt or no mirror, or the packages cannot be had.
        Unavailable: no mirror answers.
    """
    if not shutil.which("apt-get"):
        raise PiEdgeError(
            f"{', '.join(packages)} must come from Debian, which only a machine with apt can fetch:"
            f" connect the Pi to a network and run there: sudo apt install {' '.join(packages)}"
        )
    root = folder / f"{target.suite}-{target.dpkg}"
    with _apt(root, target) as environ:
        try:  # with the package lists of an earlier call
            return _install(packages, root, environ)
        except PiEdgeError:
            failed = _run(["update"], environ)
        try:
            return _install(packages, root, environ)
        except PiEdgeError:
            if _UNREACHABLE.search(failed):
                raise Unavailable(
                    "no Debian mirror answers: connect this machine to the network (or set apt's"
                    " proxy) and try again"
                ) from None
            raise


def _install(packages: Sequence[str], root: Path, environ: dict[str, str]) -> list[Path]:
    """Have apt go through an installation as far as the downloads."""
    said = _run(["--simulate", "install", *packages], environ)
    if reason := _reason(said):
        raise PiEdgeError(f"apt cannot find what installs {', '.join(packages)}: {reason}")
    archives = root / "var/cache/apt/archives"
    debs = [
        archives / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
        for name, version, architecture in _TO_INSTALL.findall(said)
    ]
    if removed := re.findall(r"^Remv (\S+)", said, re.MULTILINE):
        raise PiEdgeError(f"{', '.join(packages)} would remove {', '.join(removed)} there")
    if not all(deb.exists() for deb in debs):
        said = _run(["--yes", "--download-only", "install", *packages], environ)
    for deb in debs:
        if not deb.exists():
            raise PiEdgeError(
                f"apt cannot download {deb.name}: {_reason(said) or 'no reason said'}"
            )
    return debs


@contextmanager
def _apt(root: Path, target: Target) -> Iterator[dict[str, str]]:
    """The environment for apt-get to act for the target and in ``root`` only, one at a time."""
    for name in (
        *("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d"),
        *("etc/apt/trusted.gpg.d", "var/lib/apt/lists/partial"),
        *("var/cache/apt/archives/partial", "var/lib/dpkg"),
    ):
        (root / name).mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (root / "var/lib/dpkg/status").write_text(target.status)
        (root / "etc/apt/sources.list").write_text("\n".join(sources(target.suite)) + "\n")
        (root / "apt.conf").write_text(_settings(root, target))
        yield {**os.environ, "APT_CONFIG": str(root / "apt.conf"), "LC_ALL": "C.UTF-8"}


def _settings(root: Path, target: Target) -> str:
    """apt.conf(5). How to reach the network is as in this machine's own."""
    own = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
    network = [line for line in own.splitlines() if line.startswith("Acquire::")]
    return "\n".join(
        [
            *network,
            'Acquire::Languages "none";',
            f'Dir "{root}/";',
            f'Dir::State::status "{root}/var/lib/dpkg/status";',
            'Dir::Etc::trusted "/etc/apt/trusted.gpg";',
            'Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d/";',
            # Tens of megabytes that would be good for one more call.
            'Dir::Cache::pkgcache "";',
            'Dir::Cache::srcpkgcache "";',
            "#clear APT::Architectures;",
            f'APT::Architecture "{target.dpkg}";',
            f'APT::Architectures {{ "{target.dpkg}"; }};',
            'APT::Install-Recommends "false";',
            # Another user's could not reach a folder in a home directory.
            'APT::Sandbox::User "root";',
            "",
        ]
    )


def sources(suite: str) -> list[str]:
    """sources.list(5) of a Debian suite, from the mirrors that this machine's apt uses.

    Raises:
        PiEdgeError: it uses none of Debian.
    """
    signed = next((f"[signed-by={path}] " for path in _KEYRINGS if path.exists()), "")
    mirrors = {(os.environ[MIRROR], "Debian")} if os.environ.get(MIRROR) else _mirrors()
    lines = []
    for address, label in sorted(mirrors):
        suites = {"Debian": [suite, f"{suite}-updates"], "Debian-Security": [f"{suite}-security"]}
        lines += [f"deb {signed}{address} {name} main" for name in suites.get(label, [])]
    if not lines:
        raise PiEdgeError(
            "apt on this machine knows no Debian mirror: install debian-archive-keyring and name"
            f" one, as in {MIRROR}=http://.../debian"
        )
    return lines


def _mirrors() -> set[tuple[str, str]]:
    """Addresses and labels of the Debian archives that this machine's apt uses."""
    fields = "$(CREATED_BY)|$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(LABEL)"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", fields], capture_output=True, text=True
    ).stdout
    rows = (line.split("|") for line in listed.splitlines())
    return {
        (row[3], row[4])
        for row in rows
        if row[:3] == ["Packages", "Debian", "main"] and len(row) == 5
    }


def _run(command: Sequence[str], environ: dict[str, str]) -> str:
    """What apt-get says."""
    return subprocess.run(
        ["apt-get", "--quiet", *command],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ).stdout


def _reason(said: str) -> str:
    """apt's own reason for a failure, "" where there was none."""
    lines = [line.strip() for line in said.splitlines()]
    if "The following packages have unmet dependencies:" in lines:
        return lines[lines.index("The following packages have unmet dependencies:") + 1]
    return next((line.removeprefix("E: ") for line in lines if line.startswith("E: ")), "")
