"""A model folder and its model.json, which says only what was measured."""

from __future__ import annotations

import importlib.metadata
import io
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import files, runtime

FILE = "model.json"
CHECK = "check.npz"


def variant(path: Path, command: str, **measured: Any) -> dict[str, Any]:
    """Describe one .tflite file: what it is, what was measured, and by which command."""
    return {
        "file": path.name,
        "sha256": files.sha256(path),
        "bytes": path.stat().st_size,
        **measured,
        "command": command,
    }


def write_check(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Write the example inputs and expected outputs into `folder`, and describe the file.

    Args:
        arrays: `inputs/NAME` and `VARIANT/OUTPUT`.
    """
    contents = io.BytesIO()
    np.savez_compressed(contents, **arrays)  # type: ignore[arg-type]
    path = folder / CHECK
    path.write_bytes(contents.getvalue())
    return {"file": path.name, "sha256": files.sha256(path), "bytes": path.stat().st_size}


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to make and measure its files in; gone afterwards."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as made:
        yield Path(made)


def publish(made: Path, folder: Path, document: Mapping[str, Any]) -> None:
    """Let the files in `made` and `document`, which names their hashes, become `folder`, at one
    instant.

    What else was in `folder` stays there, but for .tflite files of an earlier conversion.
    """
    files.write_json(made / FILE, document)
    for path in folder.iterdir() if folder.is_dir() else []:
        if path.suffix != ".tflite" and not (made / path.name).exists():
            (shutil.copytree if path.is_dir() else shutil.copy2)(path, made / path.name)
    made.chmod(0o755)
    files.place(made, folder)


def versions(*distributions: str) -> dict[str, str]:
    """Return the versions of Python and of these installed distributions."""
    return {"python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in distributions
    }


def machine() -> dict[str, Any]:
    """Say what kind of machine this is, without saying whose."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
    }


def measured_on() -> dict[str, Any]:
    """Return the runtime and machine that a measurement is being made with."""
    return {"runtime": runtime.describe(), "machine": machine()}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
