"""Fit the districts again, go every way again, and compare. Needs no TensorFlow, writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pi_edge.desktop.fire_theft import data, descent, lesson
from pi_edge.desktop.regression.verify import compare, verify_learned
from pi_edge.verification import verify_files

SAME = 1e-6
"""Largest difference of a way's line from the one told, as a part of it: float32's rounding."""


def verify(
    folder: Path, *, given: Path | None = None, say: Callable[[str], None] = print
) -> list[str]:
    """Check the files, the line, and the lesson's other lines and curves.

    The districts are those `given`, else those in model.json, which have a known hash.
    Returns a line for each disagreement, none if all is well.
    """
    problems = verify_files(folder)
    if problems:
        return problems
    told = json.loads((folder / "model.json").read_bytes())
    districts = data.of_model(folder, None if "learned" in told else given)
    if "learned" in told:  # a table given is all rows together, then
        problems = verify_learned(folder, given, say)
    else:
        problems = compare(folder, told, districts.x[:, None], districts.y, say)
    try:
        curves = {way["name"]: tuple(map(float, way["curve"])) for way in told["lesson"]}
    except (KeyError, TypeError, ValueError) as error:
        return [*problems, f"{folder / 'model.json'} tells no lesson: {error!r}"]
    for name, title in lesson.TITLES.items():
        if name in lesson.DESCENTS:
            slope, intercept = descent.descend(lesson.DESCENTS[name], districts.x, districts.y)
            curve: tuple[float, ...] = (intercept, slope)
        else:
            curve = lesson.FORMULAS[name](districts.x, districts.y)
        then = curves.get(name, ())
        say(f"  {title}: {', '.join(f'{value:.8g}' for value in curve)}")
        if len(then) != len(curve) or not np.allclose(curve, then, rtol=SAME, atol=0):
            problems.append(f"{folder}: {title} gives {curve} here, model.json says {then}")
    return problems
