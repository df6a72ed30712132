"""What was learned becomes an ordinary model: the same files with other weights in them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import model_json
from pi_edge.catalog import Entry
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.learning import buffers
from pi_edge.learning.graph import TrainingGraph
from pi_edge.model import Model
from pi_edge.quiet import quiet


def training(entry: Entry) -> dict[str, Any]:
    """What model.json tells of a model's learning.

    Raises:
        BadInput: it cannot learn.
    """
    told = entry.info.get("training")
    if not isinstance(told, dict) or "file" not in told:
        raise BadInput(f"{entry.name} cannot learn: it has no training graph")
    return told


def graph(entry: Entry, threads: int) -> TrainingGraph:
    """Its training graph, loaded.

    Raises:
        PiEdgeError: it cannot learn, or not in this runtime.
    """
    path = entry.files[entry.default].parent / str(training(entry)["file"])
    with quiet():  # the runtime greets whoever runs a model first
        loaded = TrainingGraph(path, threads)
        loaded.weights()
    return loaded


def variants(entry: Entry) -> list[str]:
    """The precisions that what was learned can be written into: those with a place for all of it.

    int8 has none: its scales are measured on what flows through the network, with TensorFlow.
    """
    weights = training(entry)["weights"].values()
    return [name for name in entry.files if all(name in told["places"] for told in weights)]


def write(entry: Entry, weights: Mapping[str, np.ndarray], folder: Path) -> dict[str, Path]:
    """Write the model's files with other weights into a folder; by precision.

    Raises:
        PiEdgeError: a weight is no number, or too large for a precision's own numbers; the files
            are not those that model.json tells of.
    """
    told = training(entry)["weights"]
    written = {}
    for variant in variants(entry):
        values = {}
        for name, weight in weights.items():
            place = told[name]["places"][variant]
            with np.errstate(over="ignore"):
                array = (weight * np.float32(place["scale"])).transpose(place["axes"])
                array = np.ascontiguousarray(array).astype(f"<{place['dtype']}")
            if not np.isfinite(array).all():
                raise PiEdgeError(f"{entry.name}: {name} is too large a number for {variant}")
            values[place["buffer"]] = array.tobytes()
        source = entry.files[variant]
        written[variant] = folder / source.name
        buffers.write(source, written[variant], values)
    return written


def read(entry: Entry) -> dict[str, np.ndarray]:
    """The weights that a model has now, float32, from its default file or another that has all."""
    told = training(entry)["weights"]
    names = variants(entry)
    if not names:
        raise BadInput(f"{entry.name} cannot learn: none of its files can take what it learns")
    variant = "float32" if "float32" in names else names[0]
    contents = entry.files[variant].read_bytes()
    found = buffers.find(contents)
    weights = {}
    for name, one in told.items():
        place = one["places"][variant]
        data = np.frombuffer(contents[found[place["buffer"]]], f"<{place['dtype']}")
        axes = place["axes"]
        array = data.reshape([one["shape"][axis] for axis in axes]).transpose(np.argsort(axes))
        weights[name] = (array.astype(np.float32) / np.float32(place["scale"])).astype(np.float32)
    return weights


def beside(entry: Entry, paths: Mapping[str, Path], folder: Path) -> dict[str, Any]:
    """Put what else belongs to a model that learned into its folder, and tell of it as model.json
    does: its training graph, its rehearsal set, and what it answers to the inputs of the old
    check.

    Args:
        paths: the new files, by precision.
    """
    home = entry.files[entry.default].parent
    told = {}
    for name in ("training", "rehearsal"):
        if name in entry.info:
            told[name] = dict(entry.info[name])
            shutil.copyfile(home / told[name]["file"], folder / told[name]["file"])
    for one in told.get("training", {}).get("weights", {}).values():
        one["places"] = {name: place for name, place in one["places"].items() if name in paths}
    with np.load(home / entry.info["check"]["file"], allow_pickle=False) as arrays:
        checks = {name: arrays[name] for name in arrays.files if name.startswith("inputs/")}
    inputs = {name.removeprefix("inputs/"): array for name, array in checks.items()}
    for variant, path in paths.items():
        for name, output in Model(path).run(inputs).items():
            checks[f"{variant}/{name}"] = output
    return {"check": model_json.write_check(folder, checks), **told}
