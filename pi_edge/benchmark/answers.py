"""What a model answers, from a process of its own: ``python -m pi_edge.benchmark.answers``.

The job comes as JSON on stdin, an .npz goes to stdout.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge.benchmark import inputs
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model

# Files without a batch dimension of their own take any; this many images are 300 kB.
BATCH = 100


def main() -> int:
    """Do the job on stdin; 1 and one line on stderr where the model does not work."""
    # A runtime that prints must not print into the answer.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        arrays = run(json.load(sys.stdin))
    except PiEdgeError as error:
        print(error, file=sys.stderr)
        return 1
    # np.savez seeks, which a pipe cannot.
    whole = io.BytesIO()
    np.savez_compressed(whole, **arrays)  # type: ignore[arg-type]
    answer.write(whole.getvalue())
    answer.close()
    return 0


def run(job: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The outputs on the check inputs, and the digits read from images where there are some.

    Args:
        job: ``file`` (the .tflite), ``folder`` (where check.npz may be), ``threads`` and, where
            digits are to be read, ``images`` (an .npz with uint8 ``images`` [n, 28, 28]).

    Returns:
        ``outputs/NAME`` of every output and the ``sha256`` of the inputs; with images, unless the
        model takes others, ``digits`` [n] and their ``chances`` [n, 10].

    Raises:
        PiEdgeError: the model does not load or run.
    """
    model = Model(Path(job["file"]), job["threads"])
    arrays, _ = inputs.whole(model.inputs, Path(job["folder"]))
    told = {f"outputs/{name}": _plain(array) for name, array in model.run(arrays).items()}
    told["sha256"] = np.array(digest(arrays))
    if job.get("images"):
        with np.load(job["images"], allow_pickle=False) as archive, suppress(PiEdgeError):
            chances = read_digits(model, archive["images"])
            told |= {"digits": chances.argmax(1).astype(np.int64), "chances": chances}
    return told


def read_digits(model: Model, images: np.ndarray) -> np.ndarray:
    """Chances [n, 10] of images uint8 [n, 28, 28], ink bright on black.

    Raises:
        PiEdgeError: the model takes no such images or gives no ten chances.
    """
    if len(model.inputs) != 1:
        raise PiEdgeError(f"{model.path.name} takes more than an image")
    (spec,) = model.inputs
    size = int(np.prod([abs(n) for n in spec.shape[1:]]))
    if size != 28 * 28 or -1 in spec.shape[1:]:
        raise PiEdgeError(f"{model.path.name} takes {list(spec.shape)}, not images of 28 x 28")
    batch = BATCH if spec.shape[0] == -1 else 1
    chances = []
    for start in range(0, len(images), batch):
        pixels = images[start : start + batch].reshape(-1, *spec.shape[1:]).astype(spec.dtype)
        chances.append(model.run({spec.name: pixels})[model.outputs[0].name])
    told = np.concatenate(chances)
    if told.shape != (len(images), 10):
        raise PiEdgeError(f"{model.path.name} gives {list(told.shape)}, not ten chances an image")
    return told


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the arrays' names, types, shapes and contents."""
    whole = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        whole.update(f"{name} {array.dtype} {array.shape}\n".encode())
        whole.update(np.ascontiguousarray(_plain(array)).tobytes())
    return whole.hexdigest()


def _plain(array: np.ndarray) -> np.ndarray:
    """The array without Python objects: strings come as such."""
    return np.array(array.tolist(), dtype=bytes) if array.dtype == object else array


if __name__ == "__main__":
    sys.exit(main())
