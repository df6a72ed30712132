"""Files and names in a models folder, which anybody may have put there.

Opening a pipe waits for who writes into it, a link may lead anywhere, and a name may hold what no
address and no log can carry. So each is looked at before it is opened.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pi_edge.errors import PiEdgeError

MAX_JSON = 16 * 1024 * 1024
"""Bytes of a model.json; the shipped ones have some thousand."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def trouble(path: Path, within: Path) -> str:
    """Why a file cannot be used, "" where it can.

    Args:
        within: the folder that it must be in, links followed.
    """
    reason = left(path, within)
    if reason:
        return reason
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    if kind != stat.S_IFREG:
        return f"{path} is {_KINDS.get(kind, 'something else')}, not a file: remove it"
    if not os.access(path, os.R_OK):
        return f"{path} may not be read: give the daemon's user the right to, as in chmod a+r"
    return ""


def left(path: Path, within: Path) -> str:
    """Why a link, to a file or a folder, is not followed; "" for what is none or leads to
    something in ``within``."""
    if not path.is_symlink():
        return ""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop, before Python 3.13
        return f"{path} is a link that leads nowhere: remove it"
    if not real.is_relative_to(within.resolve()):
        return f"{path} is a link out of {within}: copy what it leads to in its place"
    return ""


def read(path: Path, limit: int) -> bytes:
    """The contents of a small file, never waiting for any.

    Raises:
        OSError: it cannot be read.
        PiEdgeError: it is no file, or has more than ``limit`` bytes.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        kind = stat.S_IFMT(os.fstat(file.fileno()).st_mode)
        if kind != stat.S_IFREG:
            raise PiEdgeError(f"{path} is {_KINDS.get(kind, 'something else')}, not a file")
        contents = file.read(limit + 1)
    if len(contents) > limit:
        raise PiEdgeError(f"{path} has more than {limit} bytes: it is no description of a model")
    return contents


def sight(folder: Path) -> dict[str, tuple[int, ...]]:
    """What a look at a models folder and the folders in it shows without opening anything: each
    path, and what changes when the file does. What cannot be looked at has its error's number."""
    seen: dict[str, tuple[int, ...]] = {}
    _look(str(folder), seen, deeper=True)
    return seen


def _look(folder: str, seen: dict[str, tuple[int, ...]], *, deeper: bool) -> None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    found = entry.stat()  # of what a link leads to
                except OSError as error:
                    seen[entry.path] = (error.errno or 0,)
                    continue
                # Permissions change a file's ctime.
                times = found.st_mtime_ns, found.st_ctime_ns
                seen[entry.path] = found.st_dev, found.st_ino, found.st_size, *times
                if deeper and stat.S_ISDIR(found.st_mode):
                    _look(entry.path, seen, deeper=False)
    except OSError as error:
        seen[folder] = (error.errno or 0,)


def is_name(name: str) -> bool:
    """Whether a model, a variant or a file beside model.json may be called so: one part of a
    path, hidden from nobody, of characters that can be shown."""
    return bool(name) and name.isprintable() and "/" not in name and not name.startswith(".")


def shown(name: str) -> str:
    """A file's name, whatever it holds, as printable ASCII."""
    return ascii(name)[1:-1]
