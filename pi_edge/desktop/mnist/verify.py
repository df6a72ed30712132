"""Measure a digits model again on the test images, and compare with its model.json.

Runs where the model runs, without TensorFlow, and never writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pi_edge import runtime
from pi_edge.learning import mnist as data
from pi_edge.learning.measure import Accuracy, accuracy, answers
from pi_edge.verification import verify_files

# Images that another runtime or processor may read differently: near ties only.
LEEWAY = {"float32": 2, "float16": 2, "int8": 5}


def verify(
    folder: Path, *, given: Path | None = None, say: Callable[[str], None] = print
) -> list[str]:
    """Check the files of one model folder, then each variant's accuracy.

    Returns a line for each disagreement, none if all is well.
    """
    problems = verify_files(folder)
    if problems:
        # What was measured on other files says nothing about these.
        return problems
    npz = data.find(given)
    images, labels = data.read(npz, "x_test"), data.read(npz, "y_test")
    told = json.loads((folder / "model.json").read_bytes())
    module, version = runtime.installed()
    say(f"{told['name']} in {module} {version}, {len(labels)} test images")
    say(f"  {'variant':8} {'bytes':>9} {'measured':>9} {'model.json':>11}  wrong")
    for variant, description in told["variants"].items():
        path = folder / description["file"]
        measured = accuracy(answers(path, images), labels)
        say(
            f"  {variant:8} {description['bytes']:>9,} {measured.part:>9.2%} "
            f"{description['accuracy']:>11.2%}  {measured.errors}"
        )
        # What was learned from other pictures than MNIST was measured on those.
        if description.get("measured_on", "test images") == "test images":
            problems += _compare(path, measured, description, LEEWAY.get(variant, 0))
    return problems


def _compare(path: Path, measured: Accuracy, told: Mapping[str, Any], leeway: int) -> list[str]:
    claimed = Accuracy(told["errors"], told["images"])
    if claimed.part != told["accuracy"]:
        return [
            f"{path}: model.json says accuracy {told['accuracy']}, but also "
            f"{claimed.errors} wrong of {claimed.images}"
        ]
    if measured.images != claimed.images:
        return [
            f"{path}: model.json tells of {claimed.images} test images, this data has "
            f"{measured.images}"
        ]
    if abs(measured.errors - claimed.errors) > leeway:
        return [
            f"{path}: {measured.errors} of {measured.images} wrong here, model.json says "
            f"{claimed.errors}"
        ]
    return []
