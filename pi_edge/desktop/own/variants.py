"""Make float32, float16 and int8 of one network, and keep those that answer as it does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pi_edge import proving
from pi_edge.desktop.own import compare, operators, tflite
from pi_edge.desktop.own.attempt import attempt
from pi_edge.desktop.own.compare import Comparison
from pi_edge.desktop.own.operators import Operators
from pi_edge.desktop.own.original import Arrays, Original
from pi_edge.desktop.own.samples import Samples
from pi_edge.errors import BadInput, PiEdgeError

AT_ONCE = 16
"""Samples compared in one call, where the network takes any number."""

TIME_LIMIT = 600.0
"""Seconds that a file has for its first inference."""


@dataclass(frozen=True)
class Variant:
    """One .tflite file: what is in it, what it answers, and how far that is from the network."""

    file: Path
    operators: Operators
    answers: Arrays
    comparison: Comparison


@dataclass(frozen=True)
class Variants:
    """What was made.

    Attributes:
        kept: by precision, in the order of tflite.VARIANTS.
        left_out: precision -> why there is none.
        classes: the output, if any, whose numbers are classes' probabilities.
        calibrated: int8 computes in integers; else only its weights are.
    """

    kept: dict[str, Variant]
    left_out: dict[str, str]
    classes: str | None
    calibrated: bool


def make(
    original: Original, calibration: Samples | None, shown: Samples, labels: int, folder: Path
) -> Variants:
    """Write the files into ``folder``, each compared with the network on ``shown``.

    Args:
        calibration: what int8 is calibrated on; without it only its weights are integers.
        labels: how many classes somebody named.

    Raises:
        BadInput: not even float32 came out right.
    """
    at_once = AT_ONCE if original.batched else 1
    expected, error = attempt(
        lambda: compare.joined(compare.answers(original.run, original, shown, at_once))
    )
    if expected is None:
        raise BadInput(
            f"{original.path} does not run on the samples ({shown.source}): {compare.short(error)}"
        )
    classes = compare.classes_in(original.outputs, expected, labels)
    calibrated = calibration is not None
    kept: dict[str, Variant] = {}
    left_out: dict[str, str] = {}
    with tflite.saved(original) as saved:
        for name in tflite.VARIANTS:
            file = folder / f"{name}.tflite"
            if name == "int8" and "WHILE" in kept["float32"].operators.counts:
                calibrated = False  # the converter's calibration crashes in a loop
            try:
                file.write_bytes(
                    tflite.convert(saved, name, original, calibration if calibrated else None)
                )
                kept[name] = _proven(file, original, shown, at_once, expected, classes)
                reason = kept[name].comparison.far
                if name == "int8" and not calibrated and not kept[name].operators.integer_weights:
                    reason = "no layer has 1,024 weights, and fewer stay floats without calibration"
            except PiEdgeError as failure:
                reason = str(failure)
            if reason:
                kept.pop(name, None)
                file.unlink(missing_ok=True)
                if name == "float32":
                    raise BadInput(reason)
                left_out[name] = " ".join(reason.split())
    return Variants(kept, left_out, classes, calibrated)


def alone(original: Original) -> Original:
    """The network with the batch fixed at one sample."""
    return replace(
        original,
        inputs=tuple(replace(t, shape=(1, *t.shape[1:])) for t in original.inputs),
        outputs=tuple(
            replace(t, shape=(1, *t.shape[1:])) if t.shape[:1] == (None,) else t
            for t in original.outputs
        ),
    )


def _proven(
    file: Path,
    original: Original,
    shown: Samples,
    at_once: int,
    expected: Arrays,
    classes: str | None,
) -> Variant:
    """The file, run and compared.

    Raises:
        PiEdgeError: it does not run, or needs more than builtin operations.
    """
    found = operators.read(file.read_bytes())
    if found.custom:
        raise BadInput(f"{original.path} needs {', '.join(found.custom)}, no TFLite builtin")
    proving.try_in_child(file, 1, TIME_LIMIT)
    answers, error = attempt(lambda: compare.in_runtime(file, original, shown, at_once))
    if answers is None:
        raise BadInput(f"{file.name} does not run on the samples: {compare.short(error)}")
    count = min(compare.MOST, shown.calls)
    return Variant(file, found, answers, compare.compare(expected, answers, count, classes))
