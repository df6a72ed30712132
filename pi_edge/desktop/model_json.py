"""model.json: what a model folder says about itself, written only from what was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

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


def check(path: Path) -> dict[str, Any]:
    """Describe the file of example inputs and expected outputs."""
    return {"file": path.name, "sha256": files.sha256(path), "bytes": path.stat().st_size}


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
