"""The converter of ONNX files, onnx2tf, in a virtual environment of its own.

Its releases pin TensorFlow, NumPy and protobuf to single versions, others than the ones here, so it
cannot be an extra of this package; the last release for Python 3.11 works with this TensorFlow all
the same. So its environment borrows the packages here and adds its own without their pins: a
third of a gigabyte in place of a second TensorFlow.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from pi_edge.errors import Unavailable

PACKAGES = (
    "onnx2tf==1.29.24",
    "onnx==1.19.1",
    "onnxruntime==1.23.0",
    "onnxsim==0.4.36",
    "onnxoptimizer==0.4.2",
    "onnx-graphsurgeon==0.5.8",
    "sne4onnx==2.0.1",
    "sng4onnx==2.0.1",
    "psutil==5.9.5",
    "opencv-python-headless==4.11.0.86",
)


def python(say: Callable[[str], None]) -> Path:
    """The environment's Python; made at the first call, which takes seconds to minutes.

    Raises:
        Unavailable: it cannot be made; with pip's reason.
    """
    # Keras 2, which onnx2tf builds with, comes in a release for each of TensorFlow's.
    minor = ".".join(tf.__version__.split(".")[:2])
    packages = (*PACKAGES, f"tf_keras=={minor}.*")
    here = sysconfig.get_path("purelib")
    key = hashlib.sha256("\n".join((*packages, sys.version, here)).encode()).hexdigest()[:12]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pi-edge"
    folder = base / f"onnx2tf-{key}"
    made = folder / "bin" / "python"
    if (folder / "installed").exists():
        return made
    say(f"installing onnx2tf into {folder}, once")
    base.mkdir(parents=True, exist_ok=True)
    try:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        (packages_folder,) = folder.glob("lib/python*/site-packages")
        (packages_folder / "borrowed.pth").write_text(f"{here}\n")
        install = [str(made), "-m", "pip", "install", "--quiet", "--no-deps"]
        _run([*install, "--disable-pip-version-check", *packages])
    except Unavailable:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / "installed").touch()
    return made


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = (lines or done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise Unavailable(
            "ONNX files are converted by onnx2tf, which cannot be installed beside TensorFlow "
            f"{tf.__version__} on Python {sys.version.split()[0]}: {reason}"
        )
