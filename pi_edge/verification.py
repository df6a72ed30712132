"""Does this machine compute what the model's folder says? Offline, in seconds.

Every file is compared with its size and hash in model.json, and every variant is run on
the inputs in check.npz, whose arrays are named `inputs/NAME` and `VARIANT/OUTPUT`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import catalog, model_files
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model, TensorSpec, check_inputs

CHECK = "check.npz"

LEARNED_WITH = ("training", "rehearsal")
"""What model.json calls the files that a model learns on with; nobody needs them to serve it."""

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
        problems += compare(folder, variant)
    # What else belongs to the model and is read where it learns.
    beside = [told[what] for what in LEARNED_WITH if isinstance(told.get(what), dict)]
    beside = [one for one in beside if "file" in one]
    for one in beside:
        problems += compare(folder, one)
    known = {path.name for path in entry.files.values()} | {str(one["file"]) for one in beside}
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
    problems += compare(folder, check)
    try:
        arrays = _arrays(folder / str(check["file"]))
    except (OSError, ValueError) as error:
        return [*problems, f"{folder / str(check['file'])} cannot be read: {error}"]
    for name, path in entry.files.items():
        problems += _outputs(path, name, told["variants"][name], arrays)
    return problems


def compare(folder: Path, told: Mapping[str, Any]) -> list[str]:
    """Compare a file in a model's folder with the size and hash that model.json tells of it.

    Args:
        told: "file", "bytes" and "sha256".

    Returns:
        A line that says what is wrong; none if nothing is.
    """
    if not isinstance(told, Mapping) or not isinstance(told.get("file"), str):
        return [f"{folder / 'model.json'} names no file where it should"]
    if not model_files.is_name(str(told["file"])):
        return [f"{folder / 'model.json'} names a file that is not beside it"]
    path = folder / str(told["file"])
    if path.exists() and (reason := model_files.trouble(path, folder)):
        return [reason]
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
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except OSError:
        raise
    except Exception as error:  # NumPy and zipfile raise a dozen kinds on damaged files
        raise ValueError(str(error) or type(error).__name__) from error


def _outputs(
    path: Path, variant: str, told: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> list[str]:
    """Run one variant on the inputs and compare each output with the one expected."""
    inputs, expected = _below("inputs", arrays), _below(variant, arrays)
    if not expected:
        return [f"{path.parent / CHECK} expects nothing of {path.name}"]
    try:
        given = Model(path).run(inputs)
        lines = differences(given, expected, tolerance(told))
    except PiEdgeError as error:
        lines = [str(error)]
    return [f"{path}: {line}" for line in lines]


def tolerance(told: Mapping[str, Any]) -> float:
    """The largest difference allowed, as model.json tells of a variant.

    Raises:
        PiEdgeError: what it tells is no number.
    """
    allowed = told.get("tolerance", TOLERANCE)
    if not isinstance(allowed, int | float):
        raise PiEdgeError(f"model.json's tolerance must be a number, not {allowed!r}")
    return allowed


def differences(
    given: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], tolerance: float
) -> list[str]:
    """A line for each output that is not the expected one within ``tolerance``."""
    problems = []
    for name, wanted in expected.items():
        if name not in given or given[name].shape != wanted.shape:
            problems.append(f"it gives no {name} of shape {list(wanted.shape)}")
            continue
        if given[name].dtype.kind in "SO":
            if given[name].tolist() != wanted.tolist():
                problems.append(f"{name} is other text than its check expects")
            continue
        if wanted.dtype.kind not in "biuf":
            problems.append(f"{name} is of numbers and its check expects none")
            continue
        # Booleans have no difference, and that of unsigned integers wraps around.
        apart = np.abs(given[name].astype("f8") - wanted.astype("f8"))
        difference = float(apart.max(initial=0.0))
        # Written so that NaN, which compares false with everything, is a problem too.
        if not difference <= tolerance:
            problems.append(
                f"{name} is {difference:.3g} from what its check expects (at most {tolerance:g})"
            )
    return problems


def expectations(
    entry: catalog.Entry, variant: str, inputs: tuple[TensorSpec, ...]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]] | None:
    """Inputs, and the outputs that ``variant`` is expected to give for them; None where
    model.json holds no check for it.

    A check is a file of arrays (see above), or stands in model.json itself: {"inputs": {NAME:
    numbers}, "outputs": {NAME: numbers}}, the same for all variants.

    Raises:
        PiEdgeError: it cannot be read.
    """
    check = entry.info.get("check")
    if not isinstance(check, dict):
        return None
    try:
        if "file" in check:
            path = entry.files[variant].parent / str(check["file"])
            arrays = _arrays(path)
            given, expected = _below("inputs", arrays), _below(variant, arrays)
        else:
            dtypes = {spec.name: spec.dtype for spec in inputs}
            given = {name: _array(v, dtypes.get(name)) for name, v in check["inputs"].items()}
            expected = {name: _array(v, None) for name, v in check["outputs"].items()}
        if expected:
            check_inputs(inputs, given)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, PiEdgeError) as error:
        raise PiEdgeError(f"the check of {entry.name} cannot be read: {error}") from error
    return (given, expected) if expected else None


def _array(values: Any, dtype: np.dtype | None) -> np.ndarray:
    if dtype is not None and dtype.kind == "S":
        return np.array(values, object)
    return np.array(values, dtype)


def _below(folder: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    start = f"{folder}/"
    return {n.removeprefix(start): array for n, array in arrays.items() if n.startswith(start)}
