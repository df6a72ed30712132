"""Files that appear whole or not at all.

A Pi loses power, a laptop's lid closes: whoever reads a file later must find the old
contents or the new ones, never half of either.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

# Of renameat2(2): relative to where we are, and both names change.
_HERE, _EXCHANGE = -100, 2


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Open a new file beside `path` for writing; on success it takes `path`'s place.

    Until then its owner alone can read it; then it has the permissions `mode`.

    The bytes are on the disk before the name changes, and the new name is on the disk
    before this returns. When the block raises, `path` is as it was.
    """
    import tempfile  # here: most who import this only read

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_bytes(path: Path, contents: bytes, mode: int = 0o644) -> None:
    """Replace the file at `path` by `contents`, whole or not at all."""
    with replacing(path, mode) as file:
        file.write(contents)


def write_json(path: Path, document: Any) -> None:
    """Replace the file at `path` by a readable JSON document, whole or not at all."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, text.encode() + b"\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, read in pieces."""
    import hashlib  # with OpenSSL, which takes long to load

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def exchange(one: Path, other: Path) -> None:
    """Let two files or folders of one file system change places, at one instant (renameat2(2));
    where the file system cannot do that, in two."""
    import ctypes  # here: few who write files need it

    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if libc.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), str(one), None, str(other))
    beside = one.with_name(f"{one.name}.exchanged")
    other.rename(beside)
    one.rename(other)
    beside.rename(one)


def place(made: Path, target: Path) -> None:
    """Let ``made``, a file or a folder with all in it, take the place of ``target``, whole or not
    at all. What was at ``target`` is at ``made`` afterwards; nothing is, where nothing was."""
    for path in sorted(made.rglob("*")) if made.is_dir() else [made]:
        _sync(path)
    _sync(made)
    if target.exists():
        exchange(made, target)
    else:
        made.rename(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """See to it that the names in a folder are on the disk."""
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
