"""What is told of a converted network: lines for a person, model.json for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pi_edge import model_json
from pi_edge.desktop.own import operators
from pi_edge.desktop.own.compare import rounded
from pi_edge.desktop.own.original import Arrays, Original, Tensor, sha256
from pi_edge.desktop.own.samples import Samples
from pi_edge.desktop.own.variants import Variant, Variants
from pi_edge.model import Model
from pi_edge.quiet import quiet

CHECKED, CHECK_BYTES = 8, 4_000_000
"""Samples kept in check.npz, and their bytes, at most; one there is always."""

FLOAT_TOLERANCE, INT8_TOLERANCE = 1e-3, 0.06
"""How far another processor may be from check.npz, as a part of the largest number in the outputs.
Floats differ by the order of additions, int8 by a step or two in each layer."""

OLDEST_RUNTIME = "2.14.0"
"""What 32-bit Raspberry Pi OS has."""


def lines(
    network: Original, variants: Variants, calibration: Samples | None, shown: Samples
) -> Iterator[str]:
    """A table of the files, then what there is to say about some."""
    yield (f"{', '.join(map(str, network.inputs))} -> {', '.join(map(str, network.outputs))}")
    heads = ["variant", "bytes", "largest difference", "mean", "same class", "accuracy"]
    table = [heads]
    for name, one in variants.kept.items():
        near = one.comparison
        right = accuracy(one, variants, shown)
        table.append(
            [
                name,
                f"{one.file.stat().st_size:,}",
                f"{near.largest:.2g}",
                f"{near.mean:.2g}",
                "-" if near.same_class is None else f"{near.same_class:.1%}",
                "-" if right is None else f"{right:.1%}",
            ]
        )
    unused = [at for at in range(len(heads)) if all(row[at] == "-" for row in table[1:])]
    table = [[cell for at, cell in enumerate(row) if at not in unused] for row in table]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])
    count = next(iter(variants.kept.values())).comparison.samples
    made_up = ", which are made up" if shown.made_up and shown.source == "made up" else ""
    yield f"differences from the {network.kind} on {count} samples{made_up or f' ({shown.source})'}"
    for name, reason in variants.left_out.items():
        yield f"{name} is left out: {reason}{_advice(name, variants)}"
    if "int8" in variants.kept:
        yield from _int8(variants, calibration)
    newer = {
        name: one.operators.needs
        for name, one in variants.kept.items()
        if one.operators.needs and operators.newer_than(one.operators.needs, OLDEST_RUNTIME)
    }
    if newer:
        yield (
            f"{', '.join(newer)} cannot run on 32-bit Raspberry Pi OS, whose runtime is "
            f"{OLDEST_RUNTIME}: {max(newer.values())} or newer is needed"
        )


def document(
    name: str,
    task: str,
    network: Original,
    variants: Variants,
    calibration: Samples | None,
    shown: Samples,
    command: str,
    folder: Path,
    info: Mapping[str, Any],
) -> dict[str, Any]:
    """Write check.npz into ``folder`` and return what model.json says."""
    inputs = _check_inputs(network, shown)
    checks = {f"inputs/{name}": array for name, array in inputs.items()}
    told: dict[str, Any] = {}
    for variant, one in variants.kept.items():
        with quiet():  # the runtime greets whoever loads a model
            answers = Model(one.file).run(inputs)
        checks.update({f"{variant}/{output}": array for output, array in answers.items()})
        told[variant] = model_json.variant(
            one.file, command, **_measured(variant, one, variants, shown)
        )
    return {
        "name": name,
        "task": task,
        "default": "float32",
        **info,
        "inputs": [_tensor(tensor) for tensor in network.inputs],
        "outputs": [_tensor(tensor) for tensor in network.outputs],
        "variants": told,
        "left_out": variants.left_out,
        "check": model_json.write_check(folder, checks),
        "measured": model_json.measured_on(),
        "converted": {
            "from": network.kind,
            "file": network.path.name,
            "sha256": sha256(network.path),
            **(network.told or {}),
            "notes": list(network.notes),
            "samples": {
                "source": shown.source,
                "made_up": shown.made_up,
                "compared": next(iter(variants.kept.values())).comparison.samples,
                "calibrated": calibration.calls if calibration and variants.calibrated else 0,
            },
            "versions": model_json.versions(*network.versions),
            "date": datetime.now(UTC).date().isoformat(),
        },
    }


def accuracy(one: Variant, variants: Variants, shown: Samples) -> float | None:
    """The part of the samples put into the class that the file of samples tells; None without."""
    if shown.labels is None or variants.classes is None:
        return None
    chosen = one.answers[variants.classes].argmax(-1)
    return float((chosen == shown.labels[: len(chosen)]).mean())


def _measured(name: str, one: Variant, variants: Variants, shown: Samples) -> dict[str, Any]:
    near = one.comparison
    measured: dict[str, Any] = {
        "largest_difference": rounded(near.largest),
        "mean_difference": rounded(near.mean),
    }
    if near.same_class is not None:
        measured["same_class"] = round(near.same_class, 6)
    if (right := accuracy(one, variants, shown)) is not None:
        measured["accuracy"] = round(right, 6)
    measured["samples"] = near.samples
    measured["made_up"] = shown.made_up
    part = INT8_TOLERANCE if name == "int8" else FLOAT_TOLERANCE
    measured["tolerance"] = max(rounded(part * near.magnitude), 1e-6)
    measured["operators"] = dict(one.operators.counts)
    if name == "int8":
        measured["quantized"] = "weights and arithmetic" if variants.calibrated else "weights"
        measured["float_operators"] = dict(one.operators.floats)
    if one.operators.needs:
        measured["needs_runtime"] = one.operators.needs
    return measured


def _int8(variants: Variants, calibration: Samples | None) -> Iterator[str]:
    if calibration is not None and not variants.calibrated:
        yield (
            "int8: weights are integers and the arithmetic is not, for the network goes round a "
            "loop (LSTM and GRU layers with unroll=True do not)"
        )
        return
    if calibration is None:
        yield (
            "int8: weights are integers and the arithmetic is not, for lack of samples: "
            "--calibration makes it integer"
        )
        return
    floats = variants.kept["int8"].operators.floats
    if not floats:
        yield "int8: every operation computes in integers"
        return
    told = ", ".join(name if n == 1 else f"{n} {name}" for name, n in floats.items())
    yield f"int8: these operations have no integer form and stay float: {told}"


def _advice(name: str, variants: Variants) -> str:
    if name == "int8" and variants.calibrated:
        return "; more samples, of the kind that the network will see, may help"
    return ""


def _tensor(tensor: Tensor) -> dict[str, Any]:
    told = {
        "name": tensor.name,
        "dtype": str(tensor.dtype),
        "shape": [-1 if n is None else n for n in tensor.shape],
    }
    return told if tensor.source == tensor.name else {**told, "was": tensor.source}


def _check_inputs(network: Original, shown: Samples) -> Arrays:
    count = 1
    if network.batched:
        row = sum(array[:1].nbytes for array in shown.arrays.values())
        count = max(1, min(CHECKED, shown.calls, CHECK_BYTES // max(row, 1)))
    return shown.call(network.inputs, 0, count)
