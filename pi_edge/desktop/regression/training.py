"""A fitted line, kept: the numbers it was fitted to and the story behind it, in one file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import files
from pi_edge.desktop.regression import TRAINING
from pi_edge.errors import BadInput, NotFound
from pi_edge.learning.least_squares import Fit


@dataclass(frozen=True)
class Trained:
    """A finished fit.

    Attributes:
        x: float64 [n, k]; y: float64 [n].
        story: ready for JSON: target, data (where it was), date, versions, machine, ...
    """

    name: str
    fit: Fit
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    story: dict[str, Any]


def save(state: Path, result: Trained, file: str = TRAINING) -> Path:
    """Write STATE/training/NAME/``file``, whole or not at all."""
    path = state / "training" / result.name / file
    document = json.dumps({"fit": asdict(result.fit), "story": result.story})
    with files.replacing(path) as stream:
        np.savez_compressed(stream, x=result.x, y=result.y, story=np.array(document))
    return path


def load(state: Path, name: str, train: str, file: str = TRAINING) -> Trained:
    """Read what `save` wrote; ``train`` is the command that would make it.

    Raises:
        NotFound: there is no training of that name.
        BadInput: the file is damaged.
    """
    path = state / "training" / name / file
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x, y, document = arrays["x"], arrays["y"], json.loads(str(arrays["story"]))
        return Trained(name, from_json(document["fit"]), x, y, document["story"])
    except FileNotFoundError:
        raise NotFound(f"{name} is not trained yet: {train}") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is damaged ({error}): train again, {train}") from None


def from_json(document: dict[str, Any]) -> Fit:
    """A Fit out of what dataclasses.asdict and JSON made of it.

    Raises:
        KeyError, TypeError: it is none.
    """
    tuples = {
        key: None if document[key] is None else tuple(document[key])
        for key in ("columns", "coefficients", "standard_errors")
    }
    return Fit(**{**document, **tuples})
