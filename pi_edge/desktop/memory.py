"""How much memory this process has taken at its worst, and keeping that small."""

from __future__ import annotations

import ctypes
import subprocess
import sys

from pi_edge import malloc
from pi_edge.benchmark import training

_IMPORT_ONLY = """
import tensorflow
from pi_edge.processes import peak_bytes
print(peak_bytes())
"""


def tensorflow_import_bytes() -> int:
    """Return the peak memory of a fresh Python that does nothing but import TensorFlow."""
    answer = subprocess.run(
        [sys.executable, "-c", _IMPORT_ONLY],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return int(answer.stdout)


def give_memory_back() -> None:
    """Make glibc return freed blocks to the system early; elsewhere do nothing.

    Each thread of TensorFlow's pool otherwise grows a heap of its own, and activations
    of a finished step stay in them: measured, that is a third of what training takes.
    """
    if malloc.set_options({malloc.ARENA_MAX: 1}):
        ctypes.CDLL(None).malloc_trim(0)


def megabytes(count: int) -> str:
    """Return a byte count as people read it: `612 MB` (of 1,000,000 bytes)."""
    return f"{count / 1e6:.0f} MB"


def report(peak: int, alone: int) -> str:
    """Say what a training took, beside what others were noted to take for the same networks."""
    return (
        f"peak memory {megabytes(peak)}, of which importing TensorFlow {megabytes(alone)} and "
        f"training {megabytes(max(peak - alone, 0))} (elsewhere noted: {training.elsewhere()})"
    )
