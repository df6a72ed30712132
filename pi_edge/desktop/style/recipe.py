"""How the style network is trained: sizes, weights of the losses and rates, step by step.

Small crops and little style first, so that the photo is kept before it is changed: a style weight
of 3 from the start loses it. Then larger crops, in which broad strokes fit.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Phase:
    """Settings from one step on.

    Attributes:
        start: the first step they hold for.
        crop: side of a crop in pixels, a multiple of 8.
        batch: crops a step.
        style, variation, steady: weights of these losses beside the content's 1. steady is for
            the change (a share of full range) under shifts by whole pixels.
        rate: of learning, as Adam has it (Kingma and Ba 2015).
    """

    start: int
    crop: int
    batch: int
    style: float
    variation: float
    rate: float
    steady: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """A whole training.

    Attributes:
        phases: in order, the first from step 0.
        steps: where it ends.
        warm_up: steps over which the rate rises at the very start.
        steady_every: steps between those that also look at a shifted crop.
        averaging: decay of the running average of the weights, which is what is used.
        zoom: photos are resized by a factor between these.
        energy: least energy of a crop's content. About the lower third have less: smooth skies
            and walls, whose weak features would forbid every stroke.
        noise: how much of `tasks.style.noise` is added to what the network sees; 1 is as used.
        falling: rates fall towards the end, as half a cosine (Loshchilov and Hutter 2017).
        most_seconds: it ends after this much time if that comes first.
    """

    phases: tuple[Phase, ...]
    steps: int
    warm_up: int = 50
    steady_every: int = 4
    averaging: float = 0.998
    zoom: tuple[float, float] = (0.5, 2.0)
    energy: float = 100.0
    noise: float = 1.0
    falling: bool = False
    most_seconds: float | None = None

    def share(self, step: int, seconds: float) -> float:
        """How much is done, 0 to 1, before a step and after so much time."""
        spent = seconds / self.most_seconds if self.most_seconds else 0.0
        return min(1.0, max(step / self.steps, spent))

    def rate(self, step: int, seconds: float) -> float:
        """The rate of learning in a step."""
        risen = min(1.0, (step + 1) / self.warm_up)
        fallen = 0.5 + 0.5 * math.cos(math.pi * self.share(step, seconds)) if self.falling else 1.0
        return self.phase_at(step).rate * risen * fallen

    def phase_at(self, step: int) -> Phase:
        """The phase that a step belongs to."""
        return [phase for phase in self.phases if phase.start <= step][-1]

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]


NETWORK = Recipe(
    (
        Phase(0, 96, 4, 0.4, 0.5, 2e-3, 0.0),
        Phase(200, 96, 4, 1.0, 0.5, 2e-3, 0.0),
        Phase(600, 128, 4, 1.5, 0.5, 2e-3),
        Phase(1200, 128, 4, 2.5, 0.5, 2e-3),
        Phase(2500, 128, 4, 4.0, 0.5, 2e-3),
        Phase(4000, 160, 4, 5.0, 0.5, 1.5e-3),
        Phase(5300, 256, 2, 5.0, 0.5, 1.2e-3),
        Phase(8000, 256, 2, 5.0, 0.5, 6e-4),
        Phase(9000, 256, 2, 5.0, 0.5, 2.5e-4),
    ),
    steps=9762,
)
"""The network with all its paintings."""

PAINTING = Recipe(
    (Phase(0, 128, 4, 5.0, 0.5, 4e-3, 0.0),),
    steps=500,
    warm_up=20,
    averaging=0.98,
    falling=True,
    most_seconds=540.0,
)
"""One more painting on a finished trunk; its style weight is the trunk's own last one."""
