"""Loading a model file without risking the process that serves.

About one file in a hundred from the wild aborts the process that loads it, or never returns from
its first inference. A file whose SHA-256 stands in its model.json was run when it was measured;
any other is first tried in a child process with a time limit:

    python -m pi_edge.proving FILE THREADS
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from pi_edge import datatypes, files
from pi_edge.errors import PiEdgeError
from pi_edge.handle import trivial_inputs
from pi_edge.model import Model

# Seconds for start, load and one inference of the child; a Pi 3 needs about 5 for a small model.
TIME_LIMIT = 120.0


def load(path: Path, threads: int, sha256: str | None, time_limit: float = TIME_LIMIT) -> Model:
    """The model in ``path``, loaded and run once on trivial inputs.

    Args:
        sha256: what model.json says of the file, None where nothing does.
        time_limit: seconds that a file nothing is known of has for its first inference.

    Raises:
        PiEdgeError: why this file cannot be served.
    """
    if sha256 is None:
        try_in_child(path, threads, time_limit)
    elif files.sha256(path) != sha256:
        raise PiEdgeError(f"{path.name} is not the file that model.json tells of: copy it again")
    # What nothing is told of may be overwritten in place by whoever dropped it in.
    return load_here(path, threads, copy=sha256 is None)


def load_here(path: Path, threads: int, copy: bool = False) -> Model:
    """The same in this process, whatever it does; ``copy`` as for Model.

    Raises:
        PiEdgeError: why this file cannot be served.
    """
    try:
        model = Model(path, threads, copy)
        for spec in (*model.inputs, *model.outputs):
            datatypes.name_of(spec.dtype)
        model.run(trivial_inputs(model.inputs))
    except PiEdgeError:
        raise
    except Exception as error:
        reason = str(error)
        if "data-type" in reason:  # both runtimes say just this where NumPy has no such type
            reason = "it has tensors of a type that NumPy has no name for, such as bfloat16"
        raise PiEdgeError(f"{path.name} cannot be loaded: {reason}") from error
    return model


def try_in_child(path: Path, threads: int, time_limit: float) -> None:
    """Load and run ``path`` in a child process.

    Raises:
        PiEdgeError: the child found the file unfit, died, or did not finish in time.
    """
    command = [sys.executable, "-m", "pi_edge.proving", str(path), str(threads)]
    try:
        child = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=time_limit
        )
    except subprocess.TimeoutExpired:
        raise PiEdgeError(
            f"{path.name} did not finish its first inference within {time_limit:g} s"
        ) from None
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise PiEdgeError(f"{path.name} takes down the process that runs it ({name})")
    if child.returncode:
        lines = child.stdout.decode(errors="replace").strip().splitlines()
        raise PiEdgeError(lines[-1] if lines else f"{path.name} cannot be tried")


def _main() -> int:
    try:
        load_here(Path(sys.argv[1]), int(sys.argv[2]))
    except PiEdgeError as error:
        print(" ".join(str(error).split()))
        return 1
    return 0


if __name__ == "__main__":
    code = _main()
    sys.stdout.flush()
    os._exit(code)  # a model that crashes on its way out has still answered
