"""How `stocks-levels` learns: scaled prices from those before, with an interval beside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pi_edge.errors import PiEdgeError
from pi_edge.learning import loop, written
from pi_edge.learning.forecasts import levels
from pi_edge.learning.forecasts.lesson import Calibrated, Lesson
from pi_edge.learning.forecasts.network import ABSENT
from pi_edge.learning.forecasts.past import Past
from pi_edge.learning.loop import Learned
from pi_edge.learning.order import SCRATCH, Order


def lesson(order: Order, past: Past) -> Lesson:
    """What ``order`` has to be learned of ``past``. Who goes on from what is known goes on with
    the lowest prices and spans that it is known for; from scratch they are the training days'.

    Raises:
        BadInput: a stock was listed too late to be learned from scratch.
        PiEdgeError: the model's files are not those of such a network.
    """
    found = written.read(order.model)
    try:
        known = levels.from_constants(found)
        kept = {key: found[key] for key in ("lowest", "reciprocal")}
    except (KeyError, IndexError, ValueError) as error:
        raise PiEdgeError(
            f"the model.json of {order.model.name} tells no network that could learn ({error!r}):"
            " convert it again"
        ) from None
    start = known.weights
    if order.start == SCRATCH:
        levels.check_listed(past.closes[past.train], order.model.info["tickers"])
        lowest, span = levels.min_max(past.closes[past.train])
        known, kept = replace(known, lowest=lowest, span=span), {}
        drawn = loop.scratch(written.training(order.model)["weights"], order.seed)
        start = {key: drawn[key] for key in start}
    values = levels.scaled(past.closes[: past.validation.stop], known.lowest, known.span)
    seen, came, there = levels.examples(values, np.arange(known.days, past.train.stop), known.days)

    def calibrated(learned: Learned) -> Calibrated:
        layers = range(1, 1 + len(known.kernels))
        bare = replace(
            known,
            kernels=tuple(learned.weights[f"dense{at}_kernel"] for at in layers),
            biases=tuple(learned.weights[f"dense{at}_bias"] for at in layers),
        )
        rows = np.arange(past.validation.start, past.validation.stop)
        below, above = levels.reach(bare, past.closes[: past.validation.stop], rows)
        judged, wanted, known_there = levels.examples(values, rows, known.days)
        off = (levels.dense(bare, judged) - wanted) * known_there
        loss = float((off.astype(np.float64) ** 2).sum() / 2 / len(rows))
        trained = {"rounds": len(learned.history), "validation_loss": loss}
        made = replace(bare, below=below, above=above)
        line = (
            f"loss on validation {loss:.5f}, interval {below.mean():+.1%} to {above.mean():+.1%}"
            " of the last price, the mean of the stocks"
        )
        return Calibrated(levels.constants(made) | kept, {}, trained, line)

    return Lesson(seen, np.where(there > 0, came, np.float32(ABSENT)), start, calibrated)
