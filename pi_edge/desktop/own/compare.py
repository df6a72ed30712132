"""How far a .tflite file is from the network that it was made from, on the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge.desktop.own.attempt import first_line
from pi_edge.desktop.own.original import Arrays, Original, Tensor
from pi_edge.desktop.own.samples import Samples
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model

MOST = 200
"""Samples that are compared."""

FAR = 0.1
"""A variant is far off when its mean difference is more than this part of how much the outputs
vary over the samples."""

SAME_LEAST = 0.9
"""And also when it puts fewer samples than this part into the class that the network does."""


@dataclass(frozen=True)
class Comparison:
    """Of one file with the network.

    Attributes:
        largest, mean: difference of any number in any output, and of all on average.
        relative: the largest over the outputs of mean difference by standard deviation of what
            the network says; 0 where nothing varies and nothing differs.
        same_class: part of the samples put into the same class; None where outputs are no classes.
        samples: how many there were.
        magnitude: the largest number that the network answers, without its sign.
        finite: the file gave no infinity and no NaN where the network gave none.
    """

    largest: float
    mean: float
    relative: float
    same_class: float | None
    samples: int
    magnitude: float
    finite: bool

    @property
    def far(self) -> str:
        """Why the file is too far from the network to be kept; "" if it is near."""
        if not self.finite:
            return "it answers with numbers that are not finite"
        if self.same_class is not None and self.same_class < SAME_LEAST:
            return (
                f"it puts {self.same_class:.1%} of {self.samples} samples into the same class as "
                f"the network (at least {SAME_LEAST:.0%} are asked for)"
            )
        if self.same_class is None and self.relative > FAR:
            return (
                f"it is {self.relative:.2g} standard deviations of the network's answers off, on "
                f"average (at most {FAR:g} is asked for)"
            )
        return ""


def answers(run: Any, original: Original, samples: Samples, at_once: int) -> list[Arrays]:
    """What ``run`` answers to each of the first MOST samples, ``at_once`` of them a call."""
    count = min(MOST, samples.calls)
    return [
        run(samples.call(original.inputs, start, min(at_once, count - start)))
        for start in range(0, count, at_once)
    ]


def joined(parts: Sequence[Arrays]) -> Arrays:
    """All answers of one output in one array."""
    return {
        name: np.concatenate([np.atleast_1d(part[name]) for part in parts]) for name in parts[0]
    }


def compare(expected: Arrays, given: Arrays, count: int, classes: str | None) -> Comparison:
    """Set the answers of a file beside the network's.

    Args:
        count: of samples.
        classes: the output, if any, whose numbers are classes' probabilities.

    Raises:
        PiEdgeError: an output is missing or has another shape.
    """
    largest, total, numbers, relative, finite = 0.0, 0.0, 0, 0.0, True
    magnitude = 0.0
    for name, array in expected.items():
        if name not in given or given[name].shape != array.shape:
            shape = given[name].shape if name in given else "nothing"
            raise PiEdgeError(f"{name} is {shape}, the network gives {array.shape}")
        wanted, got = array.astype(np.float64), given[name].astype(np.float64)
        sound = np.isfinite(wanted)
        finite &= bool(np.isfinite(got[sound]).all())
        sound &= np.isfinite(got)
        differences = np.abs(got[sound] - wanted[sound])
        if not differences.size:
            continue
        magnitude = max(magnitude, float(np.abs(wanted[sound]).max()))
        largest = max(largest, float(differences.max()))
        total += float(differences.sum())
        numbers += differences.size
        deviation = float(wanted[sound].std())
        off = float(differences.mean())
        relative = max(relative, off / deviation if deviation else float(off > 1e-6))
    same = None
    if classes is not None:
        chosen = expected[classes].argmax(-1) == given[classes].argmax(-1)
        same = float(chosen.mean())
    mean = total / max(numbers, 1)
    return Comparison(largest, mean, relative, same, count, magnitude, finite)


def classes_in(outputs: Sequence[Tensor], expected: Arrays, labels: int) -> str | None:
    """The output that looks like classes: rows of as many numbers as there are labels, or of
    probabilities, which sum to one."""
    for tensor in outputs:
        array = expected[tensor.name]
        if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind != "f":
            continue
        sums_to_one = bool((array >= 0).all() and np.allclose(array.sum(1), 1, atol=1e-3))
        if sums_to_one or array.shape[1] == labels:
            return tensor.name
    return None


def in_runtime(path: Path, original: Original, samples: Samples, at_once: int) -> Arrays:
    """The answers of a .tflite file in this machine's runtime."""
    model = Model(path)
    return joined(answers(model.run, original, samples, at_once))


def rounded(value: float) -> float:
    """Three digits are all that a difference is worth."""
    return float(f"{value:.3g}")


def short(error: Exception | None) -> str:
    """What went wrong, in one line."""
    return first_line(error) if error is not None else "it answers nothing"
