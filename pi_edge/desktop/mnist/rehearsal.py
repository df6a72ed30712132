"""Images to show a network again while it learns from others, so that it does not forget.

A network that learns only what is new loses what it knew (A. Robins, Catastrophic forgetting,
rehearsal and pseudorehearsal, Connection Science 7(2), 1995). So a few of MNIST's training images
travel with the model: the same number of each digit, those whose label the model is least sure
of. They lie nearest to where one digit becomes another, which is where a network that learns moves.

Images taken at random are no match for these. When the last layer learned 100 misread digits of a
made-up hand (tests/learning/hand.py; Adam 1e-3, 300 steps of 32 new and 32 known images, the mean
of five draws), of the held-out images 99.62 % had been read rightly, and then 99.40 % with 2,000
random ones, 99.56 % with 1,000 of these and 1,000 random ones, 99.59 % with these.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import catalog, files, model_json
from pi_edge.learning import mnist as data
from pi_edge.learning.measure import answers

FILE = "rehearsal.npz"
NAMES = ("mnist-cnn",)
"""The networks that learn from examples."""

EACH = 200
"""Images of each digit."""

Image = NDArray[np.uint8]


def choose(
    chances: NDArray[np.float32], labels: NDArray[np.uint8], rows: NDArray[np.int64], each: int
) -> NDArray[np.int64]:
    """Those of ``rows`` whose label has the least probability, ``each`` of every digit, by row;
    of equal ones the first.

    Args:
        chances: float32 [n, 10], the model's probabilities for each of ``rows``.
        labels: uint8 [n], what each of them is.
    """
    sure = chances[np.arange(len(rows)), labels]
    chosen = [
        rows[labels == digit][np.argsort(sure[labels == digit], kind="stable")[:each]]
        for digit in range(10)
    ]
    return np.sort(np.concatenate(chosen))


def write(
    folder: Path, model: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> dict[str, Any]:
    """Choose images, write them into ``folder``, and describe the file for model.json.

    Args:
        model: the .tflite file that the images are for.
        images: uint8 [n, 28, 28], all of MNIST's training images.
        labels: uint8 [n].
    """
    rows = data.split(len(labels)).training
    rows = choose(answers(model, images[rows]), labels[rows], rows, EACH)
    packed = io.BytesIO()
    np.savez_compressed(packed, images=images[rows], labels=labels[rows])
    path = folder / FILE
    files.write_bytes(path, packed.getvalue())
    return {
        "file": FILE,
        "sha256": files.sha256(path),
        "bytes": path.stat().st_size,
        "images": len(rows),
        "chosen": f"{EACH} training images a digit, of whose label {model.name} is least sure",
        "source": data.SOURCE,
        "terms": data.TERMS,
    }


def add(folder: Path, npz: Path) -> None:
    """Give a model that is converted already its images, as ``write`` does for a new one."""
    entry = catalog.read(folder)
    told = write(
        folder,
        entry.files[entry.default],
        data.read(npz, "x_train"),
        data.read(npz, "y_train"),
    )
    document = json.loads((folder / model_json.FILE).read_bytes())
    files.write_json(folder / model_json.FILE, {**document, "rehearsal": told})
