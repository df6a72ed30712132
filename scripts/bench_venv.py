"""Virtual environments of their own for the programs that benchmarks compare with."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pi_edge.errors import PiEdgeError

CACHE = Path.home() / ".cache" / "pi-edge"


def pip(python: Sequence[str], *arguments: str) -> None:
    """Install with one Python's pip.

    Raises:
        PiEdgeError: it cannot; with pip's reason.
    """
    command = [*python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = (lines or done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise PiEdgeError(f"pip cannot install {arguments[-1]}: {reason}")


def beside(packages: Sequence[str], say: Callable[[str], None], *flags: str) -> Path:
    """A folder with packages in it, for PYTHONPATH: .venv itself stays as it is. ``flags`` are
    pip's."""
    folder = CACHE / "-".join(packages)
    if not folder.exists():
        say(f"installing {' and '.join(packages)} into {folder}, once")
        unfinished = folder.with_name(f"{folder.name}.new")
        pip([sys.executable], "--target", str(unfinished), "--upgrade", *flags, *packages)
        unfinished.rename(folder)
    return folder


def make(name: str, requirements: Path, folder: Path, say: Callable[[str], None]) -> Path:
    """A virtual environment with these requirements in CPython 3.11, made when it is not there or
    of others.

    Args:
        name: of what is installed, for messages.
        say: told what takes long.

    Returns:
        Its Python.

    Raises:
        PiEdgeError: there is no CPython 3.11, or pip failed.
    """
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    maker = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if not maker:
        raise PiEdgeError(f"{name} is compared on CPython 3.11, which this machine does not have")
    say(f"installing {name} into {folder}, once; this takes about a minute")
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([maker, "-m", "venv", "--clear", str(folder)], capture_output=True)
    if done.returncode:
        raise PiEdgeError(f"{maker} cannot make a virtual environment: is python3-venv there?")
    pip([str(python)], "-r", str(requirements))
    stamp.write_text(wanted)
    return python
