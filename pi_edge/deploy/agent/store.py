"""The folder of releases on the Pi: what is in it, who may change it, what is no longer needed.

blobs/SHA256                  one file each, whole; all else is hard links to them
blobs/SHA256.cpython-311.pyc  what that Python compiled from it
environments/KEY/             dependencies, for any number of releases
releases/ID/                  package, models, unit, .venv
current -> releases/ID        the one that serves
history.json                  IDs that served, newest last
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from pi_edge import files
from pi_edge.errors import BadInput

KEPT = 3
_BATCH = 8 << 20

Say = Callable[[str], None]
# The SHA-256 of a file in hexadecimal, and its size in bytes.
Blob = tuple[str, int]


@dataclass(frozen=True)
class Store:
    """The folder."""

    root: Path = Path("/opt/pi-edge")

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def releases(self) -> Path:
        return self.root / "releases"

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def scratch(self) -> Path:
        """What may be thrown away between two deployments."""
        return self.root / "scratch"

    def serving(self) -> str:
        """ID of the release that ``current`` names; "" where there is none."""
        try:
            return self.current.readlink().name
        except OSError:
            return ""

    def history(self) -> list[str]:
        """IDs of the releases that served and are still there, newest last."""
        try:
            listed = json.loads((self.root / "history.json").read_bytes())
        except (OSError, ValueError):
            return []
        return [one for one in listed if (self.releases / one).is_dir()]

    def remember(self, release: str) -> None:
        """Note that a release serves."""
        before = [one for one in self.history() if one != release]
        files.write_json(self.root / "history.json", [*before, release])

    def point(self, release: str) -> None:
        """Let ``current`` name a release, at once and on the disk; "" removes it."""
        if not release:
            self.current.unlink(missing_ok=True)
        else:
            beside = self.root / ".current.new"
            beside.unlink(missing_ok=True)
            beside.symlink_to(Path("releases") / release)
            beside.replace(self.current)
        sync_folder(self.root)


def lock(store: Store, say: Say) -> int:
    """Wait until nobody else changes the folder. The lock ends with this process, however it does.

    Returns:
        The descriptor to close when done.
    """
    store.root.mkdir(parents=True, exist_ok=True)
    handle = os.open(store.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another deployment to this host to end")
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def missing(store: Store, wanted: Iterable[Blob]) -> list[str]:
    """Hashes of those that are not there whole, each once."""
    lacking: dict[str, None] = {}
    for sha256, size in wanted:
        try:
            there = (store.blobs / sha256).stat().st_size == size
        except OSError:
            there = False
        if not there:
            lacking[sha256] = None
    return list(lacking)


def receive(store: Store, blobs: Iterable[Blob], read: Callable[[int], bytes]) -> None:
    """Take files from a stream, one behind the other.

    They appear whole, and in batches, since an SD card takes as long to be sure of one file as
    of a hundred. What came before the stream broke off stays.

    Args:
        read: gives the stream's next bytes, at most as many as asked for.

    Raises:
        BadInput: a file is not what was announced.
    """
    store.blobs.mkdir(parents=True, exist_ok=True)
    for leftover in store.blobs.glob(".*"):
        leftover.unlink()
    waiting: list[str] = []
    unsure = 0
    try:
        for sha256, size in blobs:
            _receive_one(store.blobs / f".{sha256}", sha256, size, read)
            waiting.append(sha256)
            unsure += size
            if unsure > _BATCH:
                _keep(store, waiting)
                unsure = 0
    finally:
        _keep(store, waiting)


def _receive_one(path: Path, sha256: str, size: int, read: Callable[[int], bytes]) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while size:
            piece = read(min(size, 1 << 20))
            digest.update(piece)
            file.write(piece)
            size -= len(piece)
    if digest.hexdigest() != sha256:
        path.unlink()
        raise BadInput("a file changed while it was being sent: deploy again")
    path.chmod(0o644)


def _keep(store: Store, waiting: list[str]) -> None:
    if waiting:
        os.sync()
        for sha256 in waiting:
            (store.blobs / f".{sha256}").replace(store.blobs / sha256)
        sync_folder(store.blobs)
        waiting.clear()


def prune(store: Store, environment_of: Callable[[str], str]) -> None:
    """Remove what no kept release needs: the last ``KEPT`` that served are kept.

    Args:
        environment_of: key of a release's environment.
    """
    kept = {*store.history()[-KEPT:], store.serving()} - {""}
    for folder in _entries(store.releases):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
    needed = {environment_of(release) for release in kept}
    for folder in _entries(store.environments):
        if folder.name not in needed:
            shutil.rmtree(folder, ignore_errors=True)
    for blob in _entries(store.blobs):
        if blob.stat().st_nlink == 1:  # no release links to it
            blob.unlink()
    shutil.rmtree(store.scratch, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
