"""How `stocks` learns: standardised returns from those before, calibrated by shrinkage."""

from __future__ import annotations

from typing import Any

from pi_edge import catalog
from pi_edge.errors import PiEdgeError
from pi_edge.learning import loop, written
from pi_edge.learning.forecasts import features, network
from pi_edge.learning.forecasts.lesson import Calibrated, Floats, Lesson
from pi_edge.learning.forecasts.network import Architecture, Fitted
from pi_edge.learning.forecasts.past import Past, batches
from pi_edge.learning.loop import Learned
from pi_edge.learning.order import SCRATCH, Order

DAYS = features.DAYS
"""Closes before the first day that can be learned."""


def lesson(order: Order, past: Past) -> Lesson:
    """What ``order`` has to be learned of ``past``.

    Raises:
        PiEdgeError: the model's model.json tells no network that could learn.
    """
    architecture = _architecture(order.model)

    def calibrated(learned: Learned) -> Calibrated:
        weights = {key.replace("_", "/"): value for key, value in learned.weights.items()}
        raw = Fitted(architecture, weights, 1.0, 0.0, 0.0)
        fitted = network.calibrated(past.closes[: past.validation.stop], past.validation, raw)
        shrinkage = {"shrinkage": fitted.shrinkage}
        trained = {
            "architecture": written.training(order.model)["architecture"],
            **shrinkage,
            "low": fitted.low,
            "high": fitted.high,
        }
        line = f"shrinkage {fitted.shrinkage}, interval {fitted.low:+.3f} to {fitted.high:+.3f}"
        return Calibrated(network.constants(fitted), shrinkage, trained, line)

    return Lesson(*batches(past, architecture), _start(order, architecture), calibrated)


def _architecture(model: catalog.Entry) -> Architecture:
    """How the model's network is built, as its model.json tells."""
    try:
        told: dict[str, Any] = dict(written.training(model)["architecture"])
        made = Architecture(**{**told, "hidden": tuple(told["hidden"])})
        if made.scale not in features.SCALES:
            raise ValueError(f"scale {made.scale!r}")
        return made
    except (KeyError, TypeError, ValueError) as error:
        raise PiEdgeError(
            f"the model.json of {model.name} tells no network that could learn ({error!r}): convert"
            " it again"
        ) from None


def _start(order: Order, architecture: Architecture) -> Floats:
    """The weights to begin with, before shrinkage."""
    told = written.training(order.model)
    if order.start == SCRATCH:
        drawn = loop.scratch(told["weights"], order.seed)
        return {key: value for key, value in drawn.items() if key.startswith("dense")}
    known = network.from_constants(written.read(order.model), architecture, told["shrinkage"])
    return {key.replace("/", "_"): value for key, value in known.weights.items()}
