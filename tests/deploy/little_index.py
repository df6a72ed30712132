"""A folder of tiny wheels that pip takes for a package index."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path


class LittleIndex:
    """Wheels made on the spot."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(
        self,
        name: str,
        version: str = "1.0",
        requires: Sequence[str] = (),
        tag: str = "py3-none-any",
    ) -> Path:
        """A wheel without anything in it but what it says of itself."""
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {one}" for one in requires]
        info = f"{name}-{version}.dist-info"
        path = self.folder / f"{name}-{version}-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
            archive.writestr(f"{info}/RECORD", "")
        return path
