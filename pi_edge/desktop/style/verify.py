"""Measure a style model again: how near its pictures come to TensorFlow's.

Runs where the model runs, without TensorFlow and without any data, and never writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pi_edge import runtime
from pi_edge.desktop.style import fidelity
from pi_edge.errors import PiEdgeError
from pi_edge.verification import verify_files

LEEWAY = 2.0
"""Decibels that another runtime or processor may come out lower."""

ALIKE = 80.0
"""Decibels from which pictures are the same: one of 1,500 values differs, by a single step of 255.
How much farther they come is a matter of how a processor rounds."""


def verify(folder: Path, *, say: Callable[[str], None] = print) -> list[str]:
    """Check the files of one model folder, then each variant's pictures of the fixed photo.

    Returns a line for each disagreement, none if all is well.
    """
    problems = verify_files(folder)
    if problems:
        # What was measured on other files says nothing about these.
        return problems
    told = json.loads((folder / "model.json").read_bytes())
    names = told.get("styles", [])
    with np.load(folder / told["check"]["file"], allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if any(len(arrays.get(one, ())) != len(names) for one in (fidelity.GRAPH, fidelity.ENGINE)):
        return [f"{folder}: check.npz does not hold a picture of each style: convert it again"]
    module, version = runtime.installed()
    height, width = arrays["inputs/photo"].shape[1:3]
    say(
        f"{told['name']} in {module} {version}, a photo of {width} x {height}: dB from "
        "TensorFlow's picture, measured (model.json)"
    )
    room = max(16, *(len(name) + 1 for name in names))
    say(f"  {'variant':8} {'bytes':>9} {'':7}" + "".join(f"{name:>{room}}" for name in names))
    for variant, description in told["variants"].items():
        path = folder / description["file"]
        try:
            found = fidelity.measured(path, description, names, arrays)
        except PiEdgeError as error:
            problems.append(f"{path}: {error}")
            continue
        for what, way in fidelity.WAYS.items():
            claimed = description.get(what, {})
            cells = []
            for name in names:
                here, there = found[what][name], claimed.get(name)
                cells.append(f"{here:.1f} ({'none' if there is None else f'{there:.1f}'})")
                # Written so that NaN, which compares false with everything, is a problem too.
                if there is None or not here >= min(there, ALIKE) - LEEWAY:
                    problems.append(
                        f"{path}: {name} by {way} is {here} dB from TensorFlow's picture here, "
                        f"model.json says {there}"
                    )
            say(
                f"  {variant:8} {description['bytes']:>9,} {way:7}"
                + "".join(f"{cell:>{room}}" for cell in cells)
            )
    for variant, reason in told.get("left_out", {}).items():
        say(f"  {variant:8} left out: {reason['why']}")
    return problems
