"""Does this machine compute what the model's folder says? Offline, in seconds.

Every file is compared with its size and hash in model.json, and every variant is run on
the inputs in check.npz, whose arrays are named `inputs/NAME` and `VARIANT/OUTPUT`.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import catalog, model_files
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model

TOLERANCE = 1e-4
"""Largest difference from an expected output where model.json gives no `tolerance`."""


def verify_files(folder: Path) -> list[str]:
    """Check one model's folder; return a line for each disagreement, none if all is well.

    Args:
        folder: holds model.json, check.npz and the .tflite files. Nothing is written.
    """
    try:
        entry = catalog.read(folder)
    except PiEdgeError as error:
        return [str(error)]
    told = entry.info
    problems: list[str] = []
    for variant in told["variants"].values():
        problems += _compare(folder, variant)
    known = {path.name for path in entry.files.values()}
    problems += [
        f"{path} is not in model.json"
        for path in sorted(folder.glob("*.tflite"))
        if path.name not in known
    ]
    check = told.get("check")
    if not isinstance(check, dict) or "file" not in check:
        return [*problems, f"{folder / 'model.json'} names no check file"]
    if not model_files.is_name(str(check["file"])):
        return [*problems, f"{folder / 'model.json'} names a check file that is not beside it"]
    if reason := model_files.trouble(folder / str(check["file"]), folder):
        return [*problems, reason]
    problems += _compare(folder, check)
    try:
        arrays = _arrays(folder / str(check["file"]))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return [*problems, f"{folder / str(check['file'])} cannot be read: {error}"]
    for name, path in entry.files.items():
        problems += _outputs(path, name, told["variants"][name], arrays)
    return problems


def _compare(folder: Path, told: Mapping[str, Any]) -> list[str]:
    """Compare one file with the size and hash told."""
    path = folder / str(told["file"])
    try:
        contents = path.read_bytes()
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror}"]
    if len(contents) != told.get("bytes"):
        return [f"{path} has {len(contents)} bytes, model.json says {told.get('bytes')}"]
    if hashlib.sha256(contents).hexdigest() != told.get("sha256"):
        return [f"{path} is not the file that model.json describes: its SHA-256 differs"]
    return []


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _outputs(
    path: Path, variant: str, told: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> list[str]:
    """Run one variant on the inputs and compare each output with the one expected."""
    expected = {
        name.removeprefix(f"{variant}/"): array
        for name, array in arrays.items()
        if name.startswith(f"{variant}/")
    }
    if not expected:
        return [f"{path.parent / 'check.npz'} expects nothing of {path.name}"]
    inputs = {
        name.removeprefix("inputs/"): array
        for name, array in arrays.items()
        if name.startswith("inputs/")
    }
    try:
        given = Model(path).run(inputs)
    except PiEdgeError as error:
        return [f"{path}: {error}"]
    tolerance = float(told.get("tolerance", TOLERANCE))
    problems = []
    for name, wanted in expected.items():
        if name not in given or given[name].shape != wanted.shape:
            problems.append(f"{path} gives no {name} of shape {list(wanted.shape)}")
            continue
        # Booleans have no difference, and that of unsigned integers wraps around.
        difference = float(np.abs(given[name].astype("f8") - wanted.astype("f8")).max())
        # Written so that NaN, which compares false with everything, is a problem too.
        if not difference <= tolerance:
            problems.append(
                f"{path}: {name} is {difference:.3g} from what check.npz expects "
                f"(at most {tolerance:g})"
            )
    return problems
