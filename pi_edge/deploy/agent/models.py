"""The owner's models: from blobs into the state folder of the service, whole or not at all."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pi_edge import files
from pi_edge.deploy.agent.store import Store
from pi_edge.errors import BadInput

STATE = Path("/var/lib/pi-edge")

# renameat2(2): swap two names at once; relative names are below the working directory.
_EXCHANGE = 2
_HERE = -100

# Path within the model's folder, SHA-256 in hexadecimal, size in bytes.
ModelFile = tuple[str, str, int]


def stale(models: Mapping[str, Sequence[ModelFile]], folder: Path) -> list[str]:
    """Names of those that are not in ``folder`` just so."""
    return [name for name, parts in models.items() if not _same(folder / name, parts)]


def _same(there: Path, parts: Sequence[ModelFile]) -> bool:
    if not there.is_dir():
        return False
    found = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
    return found == {path for path, _, _ in parts} and all(
        (there / path).stat().st_size == size and files.sha256(there / path) == sha256
        for path, sha256, size in parts
    )


def place(store: Store, name: str, parts: Sequence[ModelFile], folder: Path, owner: str) -> None:
    """Put a model into ``folder``, or in the place of the one of that name.

    Args:
        owner: user and group that are to have it.

    Raises:
        BadInput: a name that is none of a file.
    """
    if "/" in name or name.startswith(".") or any(".." in Path(p).parts for p, _, _ in parts):
        raise BadInput(f"{name!r} is no name of a model")
    beside = folder / f".{name}.new"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    # Last the file that makes the folder a model.
    for path, sha256, _ in sorted(parts, key=lambda part: part[0] == "model.json"):
        (beside / path).parent.mkdir(parents=True, exist_ok=True)
        # A copy: the owner may change it, and a blob never changes.
        shutil.copyfile(store.blobs / sha256, beside / path)
    for made in (beside, *beside.rglob("*")):
        shutil.chown(made, owner, owner)
        made.chmod(0o2770 if made.is_dir() else 0o660)
    os.sync()
    if (folder / name).exists():
        _exchange(beside, folder / name)
        shutil.rmtree(beside)
    else:
        beside.rename(folder / name)
    os.sync()


def _exchange(first: Path, second: Path) -> None:
    """Swap two names; where the file system cannot do it at once, one after the other."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    if libc.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0:
        return
    former = first.with_name(f"{first.name}.former")
    second.rename(former)
    first.rename(second)
    former.rename(first)
