"""Digit networks learn: from MNIST, or from a folder of pictures by label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge import catalog, files, model_json
from pi_edge.errors import BadInput
from pi_edge.learning import guard, loop, measure, mnist, pictures, written
from pi_edge.learning.graph import TrainingGraph
from pi_edge.learning.guard import HeldBack
from pi_edge.learning.loop import Course, Learned
from pi_edge.learning.mnist import Digits
from pi_edge.learning.order import SCRATCH, Order
from pi_edge.processes import peak_bytes
from pi_edge.quiet import quiet
from pi_edge.verification import TOLERANCE

LEAST = 20
"""Examples without which there is nothing to learn, and nothing to measure."""


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
    kept = order.state / "learning" / order.name
    kept.mkdir(parents=True, exist_ok=True)
    data = _data(order, kept)
    with quiet():  # the runtime greets whoever loads a model
        graph = TrainingGraph(written.graph_file(order.model), order.threads)
    epochs = order.epochs or int(told["epochs"])
    plan = {
        "graph": told["sha256"], "data": data.sha256, "epochs": epochs, "start": order.start,
        "seed": order.seed, "rate": told["rate"],
    }  # fmt: skip
    course = Course(
        title=order.name,
        count=len(data.training),
        batch=lambda rows: _batch(data.digits, data.training[rows]),
        epochs=epochs,
        rate=float(told["rate"]),
        seed=order.seed,
        plan=plan,
    )
    if order.start == SCRATCH:
        start = loop.scratch(told["weights"], order.seed)
    else:
        start = written.read(order.model)
    checkpoint = kept / "checkpoint.npz"
    learned = loop.learn(graph, course, start, checkpoint, say=say, tell=tell, stop=stop)
    folder = _publish(order, data, plan, learned, say)
    checkpoint.unlink(missing_ok=True)
    return folder


class Data:
    """What is learned from, what is held back, and what the result is measured on.

    Attributes:
        digits: all but the test images.
        training, held_back: numbers of those to learn from, and to compare by.
        test: what nobody learned from; the held back ones where there are no others.
        sha256: of the data.
        about: for model.json.
    """

    def __init__(
        self, digits: Digits, test: Digits | None, sha256: str, about: Mapping[str, Any]
    ) -> None:
        labels = digits.labels
        if len(labels) < LEAST:
            raise BadInput(f"{len(labels)} examples in all: at least {LEAST} are needed")
        if labels.max() > 9:
            raise BadInput(f"there is a label {labels.max()}: labels are 0 to 9")
        split = mnist.split(len(labels))
        self.digits, self.sha256, self.about = digits, sha256, about
        self.training, self.held_back = split.training, split.held_out
        self.test = test


def _data(order: Order, folder: Path) -> Data:
    if order.data is not None and order.data.is_dir() and not (order.data / mnist.FILE).is_file():
        packed, sha256 = pictures.pack(order.data, folder / "pictures.u8")
        return Data(packed, None, sha256, {"source": "a folder of pictures", "sha256": sha256})
    npz = mnist.find(order.data)
    digits, test = (mnist.unpack(npz, part, folder.parent) for part in ("train", "test"))
    sha256 = files.sha256(npz)
    about = {"source": mnist.SOURCE, "terms": mnist.TERMS, "sha256": sha256}
    return Data(digits, test, sha256, about)


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
            variants[variant] = model_json.variant(
                path,
                command,
                accuracy=right.part,
                errors=right.errors,
                images=right.images,
                tolerance=order.model.info["variants"][variant].get("tolerance", TOLERANCE),
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
                "epochs": learned.history,
                "seconds": round(learned.seconds, 1),
                "epoch_seconds": round(learned.epoch_seconds, 3),
                "peak_bytes": peak_bytes(),
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
            },
        }
        before = guard.in_service(order)
        compared = HeldBack(
            "accuracy",
            measure.of(paths[default], *held).part,
            measure.of(before.files[before.default], *held).part if before else None,
            len(data.held_back),
            higher_is_better=True,
        )
        say(guard.go_live(made, order, document, compared))
    return catalog.owned_models(order.state) / order.name
