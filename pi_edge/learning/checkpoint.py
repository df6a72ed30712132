"""What a training keeps: an .npz of named arrays, and the story of how they came about."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import files
from pi_edge.errors import BadInput

FILE = "checkpoint.npz"


def save(path: Path, values: Mapping[str, Any], story: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all, with one array in memory at a time."""
    with files.replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for key, value in (*values.items(), ("story", np.array(json.dumps(story)))):
            with archive.open(f"{key}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)


def load(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a checkpoint: its arrays and its story.

    Raises:
        BadInput: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = {key: arrays[key] for key in arrays.files if key != "story"}
            return values, json.loads(str(arrays["story"]))
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is damaged ({error}): start over with --fresh") from None
