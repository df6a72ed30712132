"""Least squares on any table of numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pi_edge.desktop.flags import DATA, FRESH, NAME, flag

NAMES: tuple[str, ...] = ()

TARGET = flag("--target", metavar="COLUMN", help="the column to predict from all others")
WITHOUT = flag(
    "--without", metavar="COLUMN", action="append", help="a column to leave out, or several"
)

FLAGS = {
    "train": {"given": DATA, "target": TARGET, "without": WITHOUT, "name": NAME, "fresh": FRESH},
    "convert": {"given": DATA, "name": NAME},
    "verify": {"given": DATA},
}

TRAINING = "regression.npz"
"""The file in STATE/training/NAME that makes NAME a regression."""


def owned(folders: Sequence[Path]) -> list[str]:
    """The regressions that somebody trained or put into a models folder."""
    names = {
        path.parent.name for folder in folders for path in folder.glob(f"training/*/{TRAINING}")
    }
    for folder in folders:
        for path in (*folder.glob("*/model.json"), *folder.glob("models/*/model.json")):
            if family_of(path) == "regression":
                names.add(path.parent.name)
    return sorted(name for name in names if not name.startswith("."))


def family_of(path: Path) -> str:
    """The family that a model.json says its model belongs to; "" where it says none."""
    try:
        family = json.loads(path.read_bytes())["family"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return family if isinstance(family, str) else ""
