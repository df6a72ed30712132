"""Handwritten digits: four networks, from one softmax layer to 99.7 %."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pi_edge.desktop.flags import DATA, EPOCHS, FRESH, SEED

NAMES = ("mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn")

FLAGS = {
    "train": {"given": DATA, "seed": SEED, "epochs": EPOCHS, "fresh": FRESH},
    "convert": {"given": DATA},
    "verify": {"given": DATA},
}


def owned(folders: Sequence[Path]) -> list[str]:
    """The digits models that were learned on this machine, under whatever name."""
    paths = [path for folder in folders for path in folder.glob("*/model.json")]
    return sorted({path.parent.name for path in paths if _learned(path)})


def _learned(path: Path) -> bool:
    if path.parent.name.startswith("."):
        return False
    try:
        told = json.loads(path.read_bytes())
        return told["task"] == "digits" and "learned" in told
    except (OSError, ValueError, KeyError, TypeError):
        return False
