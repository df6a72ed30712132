"""Which style, or mix of styles, is meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pi_edge import nearest
from pi_edge.errors import BadInput, NotFound


def one(name: str, known: Sequence[str]) -> NDArray[np.float32]:
    """Weights [styles] that choose one style.

    Raises:
        NotFound: the model has no such style.
    """
    return weights({name: 1.0}, known)


def weights(mix: Mapping[str, float], known: Sequence[str]) -> NDArray[np.float32]:
    """Weights [styles], summing to one, of a mix such as {"udnie": 1, "scream": 2}.

    Raises:
        NotFound: the model has no such style.
        BadInput: a weight is negative or no number, or all are zero.
    """
    for name, share in mix.items():
        if name not in known:
            raise NotFound(nearest.unknown("style", name, known))
        if not 0 <= share < np.inf:
            raise BadInput(f"the weight of {name} must be 0 or more, not {share:g}")
    total = sum(mix.values())
    if not total > 0:
        raise BadInput("at least one style must have a weight above 0")
    return np.array([mix.get(name, 0.0) / total for name in known], np.float32)


def parse(text: str) -> dict[str, float]:
    """The mix that a text such as "udnie=0.5,scream=0.5" tells; a name alone weighs 1.

    Raises:
        BadInput: the text is empty, or a weight is no number.
    """
    mix: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, share = (piece.strip() for piece in part.partition("="))
        try:
            mix[name] = mix.get(name, 0.0) + (float(share) if share else 1.0)
        except ValueError:
            raise BadInput(f"{part!r} is no style and weight: write it as udnie=0.5") from None
    if not mix:
        raise BadInput("name at least one style, as in udnie=0.5,scream=0.5")
    return mix
