"""Digit networks learn, and what comes of it is a model like any other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import catalog, model_json
from pi_edge.learning import digit_data, guard, loop, measure, written
from pi_edge.learning.checkpoint import FILE
from pi_edge.learning.digit_data import Data, Digits
from pi_edge.learning.guard import HeldBack
from pi_edge.learning.loop import Course, Learned
from pi_edge.learning.measure import Accuracy
from pi_edge.learning.order import SCRATCH, Order
from pi_edge.verification import TOLERANCE

# Passes, and the learning rate, where a network learns from a few examples beside what it knows.
EXAMPLES_EPOCHS, EXAMPLES_RATE = 3, 1e-4


def learn(
    order: Order,
    *,
    say: Callable[[str], None] = print,
    tell: Callable[..., None] = lambda **_: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Let a model learn; the folder it is in afterwards.

    Raises:
        NotFound: there is no such data.
        BadInput: it cannot learn, or not from this.
        Stopped: it was told to stop.
    """
    told = written.training(order.model)
    data = digit_data.of(order)
    graph = written.graph(order.model, order.threads)
    epochs, rate = int(told["epochs"]), float(told["rate"])
    if order.examples:
        epochs, rate = EXAMPLES_EPOCHS, min(rate, EXAMPLES_RATE)
    epochs = order.epochs or epochs
    plan = {
        "graph": told["sha256"], "data": data.sha256, "epochs": epochs, "start": order.start,
        "seed": order.seed, "rate": rate,
    }  # fmt: skip
    course = Course(
        title=order.name,
        count=len(data.training),
        batch=lambda rows: _batch(data.digits, data.training[rows]),
        epochs=epochs,
        rate=rate,
        seed=order.seed,
        plan=plan,
    )
    if order.start == SCRATCH:
        start = loop.scratch(told["weights"], order.seed)
    else:
        start = written.read(order.model)
    checkpoint = order.kept() / FILE
    learned = loop.learn(graph, course, start, checkpoint, say=say, tell=tell, stop=stop)
    folder = _publish(order, data, plan, learned, say)
    checkpoint.unlink(missing_ok=True)
    return folder


def _batch(digits: Digits, rows: np.ndarray) -> loop.Batch:
    return {"image": digits.images(rows)}, digits.labels[rows]


def _publish(
    order: Order, data: Data, plan: Mapping[str, Any], learned: Learned, say: Callable[[str], None]
) -> Path:
    """Write the model that came of it, measure it, and let it go live."""
    command = f"pi-edge learn {order.model.name} --name {order.name}"
    held = data.digits, data.held_back
    with guard.making(order) as made:
        paths = written.write(order.model, learned.weights, made)
        test = (data.test, np.arange(len(data.test.labels))) if data.test else held
        variants = {}
        for variant, path in paths.items():
            right = measure.of(path, *test)
            told = order.model.info["variants"][variant]
            variants[variant] = model_json.variant(
                path,
                command,
                accuracy=right.part,
                errors=right.errors,
                images=right.images,
                measured_on="test images" if data.test else "held back",
                tolerance=told.get("tolerance", TOLERANCE),
            )
            wrong = f"{right.errors} wrong of {right.images}"
            say(f"{order.name} {variant:8} {right.part:.2%} ({wrong})")
        default = order.model.default if order.model.default in paths else next(iter(paths))
        document = {
            "name": order.name,
            "task": order.model.task,
            "default": default,
            "labels": order.model.info["labels"],
            "variants": variants,
            **written.beside(order.model, paths, made),
            "measured": model_json.measured_on(),
            "learned": {
                "from": order.model.name,
                "start": order.start,
                "method": "Adam, within the TFLite runtime",
                "data": dict(data.about),
                "examples": len(data.training),
                "seed": order.seed,
                "rate": plan["rate"],
                **learned.told(),
            },
        }
        after, before = measure.of(paths[default], *held), None
        if now := guard.in_service(order):
            before = measure.of(now.files[now.default], *held)
        compared = HeldBack(
            "accuracy",
            after.part,
            before.part if before else None,
            len(data.held_back),
            higher_is_better=True,
            chance=_chance(before) if before and order.examples else 0.0,
        )
        say(guard.go_live(made, order, document, compared))
    return catalog.owned_models(order.state) / order.name


def _chance(right: Accuracy) -> float:
    """One standard error of an accuracy, of an image at least: so much says nothing."""
    part = right.errors / right.images
    return max(1.0, math.sqrt(right.images * part * (1 - part))) / right.images
