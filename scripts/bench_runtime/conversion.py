"""A .tflite file in the formats of other runtimes, with the same weights."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bench_venv

from pi_edge.errors import PiEdgeError

HERE = Path(__file__).resolve().parent
TF2ONNX = ("tf2onnx==1.17.0", "onnx==1.23.2")


def to_onnx(tflite: Path, onnx: Path, say: Callable[[str], None]) -> None:
    """Raises PiEdgeError: tf2onnx cannot."""
    # Without its own dependencies: TensorFlow is in this environment already.
    path = os.pathsep.join([str(bench_venv.beside(TF2ONNX, say, "--no-deps")), *sys.path])
    _run(
        [sys.executable, "-m", "tf2onnx.convert"],
        *("--tflite", tflite, "--output", onnx, "--opset", "17"),
        PYTHONPATH=path,
        TF_CPP_MIN_LOG_LEVEL="3",
    )


def to_torch(python: Path, onnx: Path, inputs: Path) -> None:
    """Beside ``onnx``: .pt for PyTorch, .pte for ExecuTorch.

    Args:
        python: that of their environment.
        inputs: .npz, the inputs whose shapes the model gets.

    Raises:
        PiEdgeError: one of them cannot have it.
    """
    files = (onnx, inputs, onnx.with_suffix(".pt"), onnx.with_suffix(".pte"))
    _run([str(python), str(HERE / "to_torch.py")], *files)


def _run(command: list[str], *arguments: object, **environ: str) -> None:
    done = subprocess.run(
        [*command, *map(str, arguments)],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line and not line[0].isspace()]
        reason = next((line for line in lines if "Error" in line.partition(":")[0]), "no reason")
        raise PiEdgeError(reason[:200])
