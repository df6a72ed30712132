"""Models come among the owner's own, go, and come back: each by one rename.

What is added is checked first and made beside, where nobody looks; what it takes the place of is
kept in STATE/models/.previous, so that it can be brought back.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pi_edge import catalog, files, model_files, proving
from pi_edge.errors import BadInput, NotFound
from pi_edge.verification import verify_files

_ENDING = ".tflite"


def add(source: Path, owned: Path) -> str:
    """Copy a model into the owner's models folder and return its name.

    It is there whole or not at all. An older model of the same name is kept for `roll_back`.

    Args:
        source: a folder with model.json, or a bare .tflite file.
        owned: the owner's models folder, made where there is none.

    Raises:
        NotFound: there is no such file or folder.
        BadInput: it is no model, it is damaged, or it does not run here.
        OSError: it cannot be written.
    """
    if not source.exists():
        raise NotFound(f"there is no {source}")
    source = source.resolve()
    if source.is_dir():
        if not (source / "model.json").exists():
            raise BadInput(f"{source} holds no model.json: name a model's folder or .tflite file")
        target = catalog.place(owned, source.name)
        _try(catalog.read(source).files.values())
        if problems := verify_files(source):
            raise BadInput(problems[0])
    elif source.suffix == _ENDING:
        if reason := model_files.trouble(source, source.parent):
            raise BadInput(reason)
        target = catalog.place(owned, source.stem, _ENDING)
        _try([source])
    else:
        raise BadInput(f"{source} is no model: name a model's folder or .tflite file")
    if target.exists() and target.samefile(source):
        return source.stem if source.is_file() else source.name
    with _alone(owned), tempfile.TemporaryDirectory(dir=owned, prefix=".adding.") as scratch:
        made = Path(scratch) / target.name
        _copy(source, made)
        files.place(made, target)
        if made.exists():
            _keep(made, owned)
    return target.name.removesuffix(_ENDING) if target.is_file() else target.name


def remove(name: str, owned: Path) -> None:
    """Take a model from among the owner's own; it is kept for `roll_back`.

    Raises:
        NotFound: the owner has none of that name.
        OSError: it cannot be moved.
    """
    with _alone(owned):
        _keep(_existing(name, owned), owned)
        files.sync_folder(owned)


def roll_back(name: str, owned: Path, shipped: Path | None = None) -> None:
    """Bring back what `add` or `remove` took away last; what is there now is kept in its stead.

    Where nothing is kept and the owner's model stands in for a shipped one, that is brought back.

    Args:
        shipped: the folder of shipped models.

    Raises:
        NotFound: nothing is kept of that name.
        OSError: it cannot be moved.
    """
    with _alone(owned):
        kept = [_previous(owned) / name, _previous(owned) / f"{name}{_ENDING}"]
        before = next((path for path in kept if path.exists()), None)
        if model_files.is_name(name):
            if before is not None:
                files.place(before, owned / before.name)
                return
            if shipped is not None and (shipped / name).is_dir() and (owned / name).is_dir():
                _keep(owned / name, owned)
                files.sync_folder(owned)
                return
        raise NotFound(
            f"nothing is kept of a model {name!r}: only what was replaced or removed by"
            " pi-edge models add and remove, or by pi-edge learn, can be brought back"
        )


def _existing(name: str, owned: Path) -> Path:
    if model_files.is_name(name):
        for path in (owned / name, owned / f"{name}{_ENDING}"):
            if path.exists() or path.is_symlink():
                return path
    raise NotFound(
        f"there is no model {name!r} in {owned}: shipped ones cannot be removed, but unloaded"
        f" (POST /v2/repository/models/{name}/unload)"
    )


def _try(models: Iterable[Path]) -> None:
    """See that no model takes down the process that runs it, as this one is about to."""
    for path in models:
        proving.try_in_child(path, 1, proving.LONG_TIME_LIMIT)


def _copy(source: Path, made: Path) -> None:
    """Copy a file, or a folder's files, with permissions that let the daemon's group in."""
    if source.is_file():
        shutil.copyfile(source, made)
        made.chmod(0o664)
        return
    made.mkdir()
    # A learner's sandbox lets nobody ask for the setgid bit (RestrictSUIDSGID=, systemd.exec(5)); a
    # folder made in the service's has it from there, and its umask lets the group in.
    with suppress(PermissionError):
        made.chmod(0o2775)
    for path in source.iterdir():
        if path.is_file() and not path.name.startswith("."):
            _copy(path, made / path.name)


def _previous(owned: Path) -> Path:
    return owned / ".previous"


def _keep(old: Path, owned: Path) -> None:
    """Put what was taken away where `roll_back` finds it, in place of what is there."""
    previous = _previous(owned)
    previous.mkdir(exist_ok=True)
    for kept in (previous / old.stem, previous / f"{old.stem}{_ENDING}", previous / old.name):
        if kept.is_dir() and not kept.is_symlink():
            shutil.rmtree(kept)
        else:
            kept.unlink(missing_ok=True)
    old.rename(previous / old.name)
    files.sync_folder(previous)


@contextmanager
def _alone(owned: Path) -> Iterator[None]:
    """Hold the folder's lock, and sweep away what a command that was killed left."""
    owned.mkdir(parents=True, exist_ok=True)
    handle = os.open(owned / ".lock", os.O_RDWR | os.O_CREAT, 0o660)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for left in owned.glob(".adding.*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(handle)
