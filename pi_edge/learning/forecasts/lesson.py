"""What each kind of network (lesson_returns.py, lesson_levels.py) tells of how it learns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.learning.loop import Learned

Floats = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Calibrated:
    """A network that has learned and been calibrated.

    Attributes:
        constants: all that its files take, by the names in model.json.
        training: what model.json tells anew under "training".
        trained: what it tells of the outcome under "trained".
        line: the same, for a person.
    """

    constants: Floats
    training: dict[str, Any]
    trained: dict[str, Any]
    line: str


@dataclass(frozen=True)
class Lesson:
    """What is to be learned, and what becomes of it.

    Attributes:
        seen: [n, inputs]; came: [n, outputs], network.ABSENT where nothing did.
        start: weights to begin with, as the training graph calls them.
        calibrated: what was learned -> the network as it is written, calibrated on days that it
            has not learned from.
    """

    seen: NDArray[np.float32]
    came: NDArray[np.float32]
    start: Floats
    calibrated: Callable[[Learned], Calibrated]
