"""Put a model among the owner's own, checked first."""

from __future__ import annotations

import shutil
from pathlib import Path

from pi_edge import catalog, files, model_files, proving
from pi_edge.errors import BadInput, NotFound
from pi_edge.verification import verify_files


def add(source: Path, owned: Path) -> str:
    """Copy a model into the owner's models folder and return its name.

    A file takes its place whole or not at all, model.json last; an older model of the same name
    is replaced, and files that it had and this one has not go in the end.

    Args:
        source: a folder with model.json, or a bare .tflite file.
        owned: the owner's models folder, made where there is none.

    Raises:
        NotFound: there is no such file or folder.
        BadInput: it is no model, it is damaged, or it does not run here.
    """
    if not source.exists():
        raise NotFound(f"there is no {source}")
    if source.is_dir():
        if not (source / "model.json").exists():
            raise BadInput(f"{source} holds no model.json: name a model's folder or .tflite file")
        if problems := verify_files(source):
            raise BadInput(problems[0])
        name, target = source.resolve().name, catalog.place(owned, source.resolve().name)
        if target.exists() and target.samefile(source):
            return name
        parts = sorted(p for p in source.iterdir() if p.is_file() and not p.name.startswith("."))
        for path in sorted(parts, key=lambda path: path.name == "model.json"):
            _copy(path, target / path.name)
        for path in target.glob("*.tflite"):
            if not (source / path.name).exists():
                path.unlink()
        return name
    if source.suffix != ".tflite":
        raise BadInput(f"{source} is no model: name a model's folder or .tflite file")
    if reason := model_files.trouble(source.resolve(), source.resolve().parent):
        raise BadInput(reason)
    target = catalog.place(owned, source.stem, source.suffix)
    proving.try_in_child(source, 1, proving.TIME_LIMIT)
    if not (target.exists() and target.samefile(source)):
        _copy(source, target)
    return source.stem


def _copy(source: Path, target: Path) -> None:
    with files.replacing(target) as file, source.open("rb") as contents:
        shutil.copyfileobj(contents, file)
