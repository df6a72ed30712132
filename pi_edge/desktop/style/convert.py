"""Turn trained weights into the model folder `style`.

python -m pi_edge.desktop.style.convert CHECKPOINT.npz FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop import model_json
from pi_edge.desktop.style import network, tflite
from pi_edge.model import Model

STYLES = ("great-wave", "scream", "shipwreck", "starry-night", "udnie")
DEFAULT = "float32"


def write(checkpoint: Path, folder: Path, variants: tuple[str, ...] = (DEFAULT,)) -> Path:
    """Write the .tflite files, check.npz and model.json for a checkpoint into `folder`.

    Args:
        checkpoint: an .npz with `shape` (JSON), `step` and the averaged weights `a:NAME`.
    """
    with np.load(checkpoint) as file:
        shape = network.Shape(**json.loads(str(file["shape"])))
        step = int(file["step"])
        weights = {name[2:]: file[name] for name in file.files if name.startswith("a:")}
    with model_json.scratch(folder) as made:
        checks: dict[str, NDArray[Any]] = {
            "inputs/photo": _gradient(tflite.SIDE),
            "inputs/style": np.full((1, shape.styles), 1 / shape.styles, np.float32),
        }
        told = {}
        for variant in variants:
            path = made / f"{variant}.tflite"
            path.write_bytes(tflite.convert(weights, shape, variant))
            inputs = {
                name.removeprefix("inputs/"): a for name, a in checks.items() if "inputs/" in name
            }
            # Whole numbers: the tolerance is wider, and the file is a third.
            checks[f"{variant}/picture"] = np.round(Model(path).run(inputs)["picture"])
            told[variant] = model_json.variant(
                path,
                "pi-edge convert style",
                tolerance=1.0,
                folding=tflite.plan(path.read_bytes(), weights, shape, variant),
            )
        document = {
            "name": folder.name,
            "task": "style",
            "family": "style",
            "default": variants[0],
            "styles": list(STYLES[: shape.styles]),
            "variants": told,
            "check": model_json.write_check(made, checks),
            "measured": model_json.measured_on(),
            "trained": {"steps": step, "network": network.describe(shape)},
        }
        model_json.publish(made, folder, document)
    return folder


def _gradient(side: int) -> NDArray[np.float32]:
    """A photo [1, side, side, 3] that is nobody's: three waves, compressible."""
    y, x = np.mgrid[:side, :side] / side
    waves = [np.sin(6 * x + 4 * y * y), np.cos(9 * y), np.sin(20 * (x - 0.5) * (y - 0.5))]
    return np.round(127.5 + 127.5 * np.stack(waves, 2))[None].astype(np.float32)


if __name__ == "__main__":
    variants = tuple(sys.argv[3].split(",")) if len(sys.argv) > 3 else (DEFAULT,)
    print(write(Path(sys.argv[1]), Path(sys.argv[2]), variants))
