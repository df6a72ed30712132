"""What trainings of the style network keep, and the network that comes of it.

STATE/training/style/checkpoint.npz holds `w:`, `m:`, `v:` and `a:` (weights, Adam's moments, the
running average) of every weight, the network's shape, the step and the story;
STATE/training/style/own/NAME.npz the same of a single painting's rows, learned on that trunk.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.style import data, network
from pi_edge.errors import BadInput, NotFound
from pi_edge.learning import checkpoint

WEIGHTS = "weights.npz"
"""In a model's folder: the averaged weights as they are, to learn further paintings on."""
FINISHED = "finished"


@dataclass(frozen=True)
class Trained:
    """A network to use: its weights, the names of its styles in order, and how it came about."""

    weights: network.Arrays
    shape: network.Shape
    styles: tuple[str, ...]
    story: dict[str, Any]

    def digest(self) -> str:
        """SHA-256 of the trunk: what rows of further paintings fit to."""
        every = hashlib.sha256()
        for name in sorted(self.weights):
            if not network.is_per_style(name):
                every.update(np.ascontiguousarray(self.weights[name], np.float32).tobytes())
        return every.hexdigest()


def folder(state: Path) -> Path:
    return state / "training" / "style"


def own(state: Path, name: str) -> Path:
    """Where the rows of a further painting are kept."""
    return folder(state) / "own" / f"{name}.npz"


def save(
    path: Path, values: Mapping[str, Any], shape: network.Shape, story: dict[str, Any]
) -> None:
    """Write a checkpoint, whole or not at all."""
    told = {
        "shape": np.array(json.dumps(network.describe(shape))),
        "step": np.array(story["step"]),
    }
    checkpoint.save(path, {**values, **told}, story)


def load(path: Path) -> tuple[dict[str, NDArray[Any]], network.Shape, dict[str, Any]]:
    """Read a checkpoint: its arrays by name, the network's shape and the story.

    A file with `shape`, `step` and `seed` but no story is one too: a training by other hands, to
    go on with. Its story says no more than its step.

    Raises:
        BadInput: the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            told = {key: arrays[key] for key in ("shape", "step", "seed") if key in arrays.files}
            complete = "story" in arrays.files
            shape = network.Shape(**json.loads(str(told["shape"])))
            if complete:
                values, story = checkpoint.load(path)
            else:
                values = {key: arrays[key] for key in arrays.files}
                story = {"step": int(told["step"]), "seed": int(told["seed"])}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is damaged ({error}): start over with --fresh") from None
    return {key: value for key, value in values.items() if key not in told}, shape, story


def network_of(path: Path, names: tuple[str, ...] = tuple(data.BUILT_IN)) -> Trained:
    """The averaged weights in a checkpoint, with its own names of styles or else these."""
    values, shape, story = load(path)
    weights = {key[2:]: value for key, value in values.items() if key.startswith("a:")}
    styles = tuple(story["plan"]["paintings"]) if "plan" in story else names
    if len(styles) != shape.styles:
        raise BadInput(f"{path} has {shape.styles} styles and no names for them")
    return Trained(weights, shape, styles, story)


def trunk(state: Path, *models: Path) -> Trained:
    """The network that further paintings are learned on: one's own, else one in a models folder.

    Raises:
        NotFound: there is neither.
    """
    path = folder(state) / checkpoint.FILE
    if path.exists():
        return network_of(path)
    for place in models:
        weights, told = place / "style" / WEIGHTS, place / "style" / "model.json"
        if weights.exists() and told.exists():
            return _published(weights, told)
    raise NotFound(
        "there is no style network yet to learn a further painting on: pi-edge train style"
    )


def trained(name: str, state: Path, *models: Path) -> Trained:
    """The network as trained so far, with every further painting of one's own after the others.

    Args:
        name: of the model, "style".
        models: where to look for a network if none was trained in `state`.

    Raises:
        NotFound: there is no network.
        BadInput: a painting was learned on another network, or a file is damaged.
    """
    result = trunk(state, *models)
    weights, styles = dict(result.weights), list(result.styles)
    told: dict[str, Any] = {}
    for path in sorted((folder(state) / "own").glob("*.npz")):
        values, _, story = load(path)
        if FINISHED not in story:
            continue
        if story["plan"]["trunk_sha256"] != result.digest():
            raise BadInput(
                f"the style {path.stem} was learned on another network than there is now: learn it "
                f"again with pi-edge train {name} --painting FILE --name {path.stem} --fresh, or "
                f"remove {path}"
            )
        styles.append(path.stem)
        told[path.stem] = story
        for key, value in values.items():
            if key.startswith("a:"):
                weights[key[2:]] = np.concatenate([weights[key[2:]], value])
    shape = replace(result.shape, styles=len(styles))
    return Trained(weights, shape, tuple(styles), {**result.story, "own": told})


def _published(weights: Path, told: Path) -> Trained:
    try:
        document = json.loads(told.read_bytes())
        styles, story = tuple(document["styles"]), document["trained"]
        shape = network.Shape(**story["network"])
        story = {**story, "step": int(story["steps"])}
        with np.load(weights, allow_pickle=False) as arrays:
            values = {key: arrays[key].astype(np.float32) for key in arrays.files}
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise BadInput(f"{weights} cannot be read ({error}): restore the models folder") from None
    # The network's own paintings; what an owner added comes back from where it was learned.
    return Trained(values, shape, styles[: shape.styles], story)
