"""Least squares on any table of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pi_edge.desktop.flags import DATA, flag

NAMES: tuple[str, ...] = ()

NAME = flag("--name", metavar="NAME", help="what the model will be called")
TARGET = flag("--target", metavar="COLUMN", help="the column to predict from all others")

FLAGS = {
    "train": {"given": DATA, "target": TARGET, "name": NAME},
    "convert": {"given": DATA, "name": NAME},
    "verify": {"given": DATA},
}


def owned(folders: Sequence[Path]) -> list[str]:
    """The regressions that somebody trained or put into a models folder."""
    return []
