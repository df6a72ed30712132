"""What the models folders hold: which models, which variants, which files. Loads nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pi_edge import model_files, nearest
from pi_edge.errors import BadInput, NotFound, PiEdgeError


@dataclass(frozen=True)
class Entry:
    """One model on disk.

    Attributes:
        name: the folder's name, or a bare file's without its ending.
        task: what its tensors mean; "tensors" where nobody said.
        default: the variant that answers when none is named.
        files: variant -> .tflite file.
        info: model.json as read ({} for a bare file).
    """

    name: str
    task: str
    default: str
    files: Mapping[str, Path]
    info: Mapping[str, Any] = field(default_factory=dict)

    def file(self, variant: str = "") -> tuple[str, Path]:
        """Name and file of a variant, the default one where none is named.

        Raises:
            NotFound: the model has no such variant.
        """
        variant = variant or self.default
        if variant not in self.files:
            others = nearest.instead(variant, self.files, "it has")
            raise NotFound(f"{self.name} has no variant {variant!r}{others}")
        return variant, self.files[variant]


def owned_models(state: Path) -> Path:
    """The owner's own models, which win over shipped ones of the same name."""
    return state / "models"


def folders(shipped: Path, state: Path, *, alone: bool) -> list[Path]:
    """The models folders, a later one winning; only the shipped one where it is to stand
    ``alone``, having been named, so that nothing else stands in for it."""
    return [shipped] if alone else [shipped, owned_models(state)]


def folder(name: str, *folders: Path) -> Path | None:
    """The folder of the model called ``name``, the one that `find` would take; None without."""
    if not model_files.is_name(name):
        return None
    found = [parent / name for parent in folders if (parent / name).is_dir()]
    return found[-1] if found else None


def place(owned: Path, name: str, suffix: str = "") -> Path:
    """Where a model is put among the owner's.

    Args:
        name: the model's.
        suffix: ".tflite" for a bare file, "" for a folder.

    Raises:
        BadInput: no model can be called so, or another kind of thing is in the way.
    """
    if not model_files.is_name(name):
        raise BadInput(f"no model can be called {model_files.shown(name)}: rename it")
    other = owned / (name if suffix else f"{name}.tflite")
    path = owned / f"{name}{suffix}"
    for there in (path, other):
        if there.is_symlink():
            raise BadInput(f"{there} is a link: remove it first")
    if other.is_dir() if suffix else other.exists():
        raise BadInput(f"{other} has the same name: remove it first")
    return path


def find(*folders: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """Every model in ``folders``, a later folder winning over an earlier one.

    Returns:
        The entries by name, and for each name that cannot be served the reason.
    """
    entries: dict[str, Entry] = {}
    problems: dict[str, str] = {}
    for folder in folders:
        for name, paths in _named(folder).items():
            entries.pop(name, None)
            problems.pop(name, None)
            try:
                entries[name] = _entry(name, paths, folder)
            except PiEdgeError as error:
                problems[name] = str(error)
    return entries, problems


def _named(folder: Path) -> dict[str, list[Path]]:
    """What in a models folder is a model, or was meant to be one, by the model's name."""
    named: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith("."):
            continue
        is_folder = path.is_dir()
        if path.suffix == ".tflite" and not is_folder:
            name = path.stem
        elif is_folder and os.access(path, os.R_OK | os.X_OK):
            # A folder still without one is being copied, or none of ours.
            if not os.path.lexists(path / "model.json"):
                continue
            name = path.name
        elif is_folder or path.is_symlink():
            name = path.name
        else:
            continue
        key = name if model_files.is_name(name) else model_files.shown(name)
        named.setdefault(key, []).append(path)
    return named


def _entry(name: str, paths: list[Path], models: Path) -> Entry:
    path = paths[0]
    if len(paths) > 1:
        both = " and ".join(model_files.shown(one.name) for one in paths)
        raise PiEdgeError(f"{both} in {models} are one name: remove one of them")
    if path.stem != name and path.name != name:
        raise PiEdgeError(f"no model can be called {name}: rename it")
    if reason := model_files.left(path, models):
        raise PiEdgeError(reason)
    if not path.is_dir():
        if reason := model_files.trouble(path, models):
            raise PiEdgeError(reason)
        return Entry(name, "tensors", "default", {"default": path})
    if not os.access(path, os.R_OK | os.X_OK):
        raise PiEdgeError(f"{path} may not be entered: give the daemon's user the right to")
    return read(path)


def read(folder: Path) -> Entry:
    """The model in ``folder``, as its model.json tells.

    Raises:
        PiEdgeError: model.json is unreadable, incomplete, or names a file that is not there.
    """
    path = folder / "model.json"
    if reason := model_files.trouble(path, folder):
        raise PiEdgeError(reason)
    try:
        contents = model_files.read(path, model_files.MAX_JSON)
        info = json.loads(contents)
        if b"\\ud" in contents.lower():  # halves of characters, which no answer could carry
            json.dumps(info, ensure_ascii=False).encode()
        told = {name: variant["file"] for name, variant in info["variants"].items()}
        name, task, default = info["name"], info.get("task", "tensors"), info["default"]
    except OSError as error:
        raise PiEdgeError(f"cannot read {path}: {error.strerror}") from error
    except RecursionError as error:
        raise PiEdgeError(f"{path} is not a model.json: it is nested too deeply") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PiEdgeError(f"{path} is not a model.json: {error!r}") from error
    if not all(isinstance(text, str) for text in (name, task, default, *told.values())):
        raise PiEdgeError(f"{path} is not a model.json: names in it must be text")
    styles = info.get("styles", [])
    if not isinstance(styles, list) or not all(isinstance(one, str) for one in styles):
        raise PiEdgeError(f"{path} is not a model.json: styles must be a list of texts")
    if name != folder.name:
        raise PiEdgeError(f"{path} names the model {name!r}: rename the folder or the model")
    if default not in told:
        raise PiEdgeError(f"{path} has no variant {default!r}, which it calls the default")
    for variant, file in told.items():
        if not model_files.is_name(variant):
            raise PiEdgeError(f"{path}: no variant can be called {variant!r}")
        if not model_files.is_name(file) or not os.path.lexists(folder / file):
            named = model_files.shown(Path(file).name)
            raise PiEdgeError(f"{path} names {named}, which is not beside it")
        if reason := model_files.trouble(folder / file, folder):
            raise PiEdgeError(reason)
    return Entry(name, task, default, {key: folder / file for key, file in told.items()}, info)


def pick(entries: Mapping[str, Entry], name: str) -> Entry:
    """The entry called ``name``.

    Raises:
        NotFound: there is none; the message names the nearest, or lists what there is.
    """
    if name not in entries:
        raise NotFound(nearest.unknown("model", name, entries))
    return entries[name]
