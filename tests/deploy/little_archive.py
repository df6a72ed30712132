"""A Debian archive with packages that hold nothing."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path


class LittleArchive:
    """.debs made on the spot, and the index that apt wants of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Packages").touch()

    def add(
        self, name: str, version: str = "1.0", architecture: str = "armhf", **fields: str
    ) -> None:
        """A package; further fields of its control file are named with _ for -."""
        tree = self.folder / f"{name}.tree"
        (tree / "DEBIAN").mkdir(parents=True)
        control = stanza(name, version, architecture, **fields)
        (tree / "DEBIAN/control").write_text(control)
        deb = self.folder / f"{name}_{architecture}.deb"
        subprocess.run(["dpkg-deb", "--build", tree, deb], check=True, capture_output=True)
        contents = deb.read_bytes()
        with (self.folder / "Packages").open("a") as index:
            index.write(
                f"{control}Filename: ./{deb.name}\nSize: {len(contents)}\n"
                f"SHA256: {hashlib.sha256(contents).hexdigest()}\n\n"
            )

    @property
    def source(self) -> str:
        """Its line in sources.list."""
        return f"deb [trusted=yes] copy:{self.folder} ./"


def stanza(name: str, version: str, architecture: str, **fields: str) -> str:
    """A control file's (deb-control(5))."""
    lines = [
        *(f"Package: {name}", f"Version: {version}", f"Architecture: {architecture}"),
        *("Maintainer: nobody <nobody@example.org>", "Description: nothing"),
        *(f"{field.replace('_', '-')}: {value}" for field, value in fields.items()),
    ]
    return "\n".join(lines) + "\n"


def installed(name: str, version: str = "1.0", architecture: str = "armhf", **fields: str) -> str:
    """What /var/lib/dpkg/status says of a package that is installed."""
    return stanza(name, version, architecture, Status="install ok installed", **fields) + "\n"
