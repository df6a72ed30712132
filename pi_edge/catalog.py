"""What the models folders hold: which models, which variants, which files. Loads nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pi_edge.errors import NotFound, PiEdgeError


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
            raise NotFound(
                f"{self.name} has no variant {variant!r}; it has {', '.join(self.files)}"
            )
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
    found = [parent / name for parent in folders if (parent / name).is_dir()]
    return found[-1] if found else None


def find(*folders: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """Every model in ``folders``, a later folder winning over an earlier one.

    Returns:
        The entries by name, and for each name that could not be read the reason.
    """
    entries: dict[str, Entry] = {}
    problems: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.name.startswith("."):
                continue
            try:
                if path.is_dir() and (path / "model.json").exists():
                    entry = read(path)
                elif path.suffix == ".tflite" and path.is_file():
                    entry = Entry(path.stem, "tensors", "default", {"default": path})
                else:
                    continue
            except PiEdgeError as error:
                problems[path.name] = str(error)
                entries.pop(path.name, None)
                continue
            entries[entry.name] = entry
            problems.pop(entry.name, None)
    return entries, problems


def read(folder: Path) -> Entry:
    """The model in ``folder``, as its model.json tells.

    Raises:
        PiEdgeError: model.json is unreadable, incomplete, or names a file that is not there.
    """
    path = folder / "model.json"
    try:
        contents = path.read_bytes()
        info = json.loads(contents)
        if b"\\ud" in contents.lower():  # halves of characters, which no answer could carry
            json.dumps(info, ensure_ascii=False).encode()
        files = {name: folder / variant["file"] for name, variant in info["variants"].items()}
        entry = Entry(info["name"], info.get("task", "tensors"), info["default"], files, info)
    except OSError as error:
        raise PiEdgeError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PiEdgeError(f"{path} is not a model.json: {error!r}") from error
    if not all(isinstance(text, str) for text in (entry.name, entry.task, entry.default)):
        raise PiEdgeError(f"{path} is not a model.json: names in it must be text")
    if entry.name != folder.name:
        raise PiEdgeError(f"{path} names the model {entry.name!r}: rename the folder or the model")
    if entry.default not in files:
        raise PiEdgeError(f"{path} has no variant {entry.default!r}, which it calls the default")
    for file in files.values():
        if file.parent != folder or not os.path.isfile(file):  # noqa: PTH113 (Path's raises)
            raise PiEdgeError(f"{path} names {file.name}, which is not beside it")
    return entry


def pick(entries: Mapping[str, Entry], name: str) -> Entry:
    """The entry called ``name``.

    Raises:
        NotFound: there is none; the message lists what there is.
    """
    if name not in entries:
        raise NotFound(f"there is no model {name!r}; there are {', '.join(entries) or 'none'}")
    return entries[name]
