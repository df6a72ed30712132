"""Epochs of steps of Adam, kept every minute, so that whatever ends it costs a minute at most.

Everything random is drawn from [seed, epoch], and Adam's state is kept with the weights: a
learning that was killed and goes on ends with the same weights, bit for bit, as one that was not.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.learning import checkpoint
from pi_edge.learning.graph import Arrays, TrainingGraph
from pi_edge.learning.progress import Progress
from pi_edge.processes import peak_bytes

KEEP_SECONDS = 60.0

Batch = tuple[Mapping[str, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Course:
    """What is learned from, and how.

    Attributes:
        title: what progress calls it.
        count: how many examples there are.
        batch: examples by their numbers [n] -> inputs by name [n, ...] and target [n, ...].
        epochs: passes over all of them.
        rate: the highest learning rate; it rises to it over ``warm_up`` steps, or a tenth of all
            where those are fewer, and falls to zero as a cosine does.
        seed: of the order of examples.
        figure: what the figure beside the loss is called; "" where it says nothing.
        plan: all that decides the outcome: what was kept under another one is not gone on with.
    """

    title: str
    count: int
    batch: Callable[[np.ndarray], Batch]
    epochs: int
    rate: float
    seed: int
    plan: Mapping[str, Any]
    figure: str = "accuracy"
    warm_up: int = 100


class Stopped(PiEdgeError):
    """It was told to stop; what was learned until then is kept."""


@dataclass(frozen=True)
class Learned:
    """Weights, and how they came about: a line for each epoch, the seconds that it all took, and
    those of an epoch."""

    weights: Arrays
    history: list[dict[str, float]]
    seconds: float
    epoch_seconds: float

    def told(self) -> dict[str, Any]:
        """For model.json, with the largest memory of this process in bytes."""
        return {
            "epochs": self.history,
            "seconds": round(self.seconds, 1),
            "epoch_seconds": round(self.epoch_seconds, 3),
            "peak_bytes": peak_bytes(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def scratch(weights: Mapping[str, Mapping[str, Any]], seed: int) -> Arrays:
    """Weights to start from nothing with: normal values and zeros, as model.json tells of them."""
    random = np.random.default_rng([seed, 0])
    return {
        name: (told["spread"] * random.standard_normal(told["shape"])).astype(np.float32)
        for name, told in weights.items()
    }


def learn(
    graph: TrainingGraph,
    course: Course,
    start: Mapping[str, np.ndarray],
    kept: Path,
    *,
    say: Callable[[str], None] = print,
    tell: Callable[..., None] = lambda **_: None,
    stop: Callable[[], bool] = lambda: False,
) -> Learned:
    """Let a network learn, or go on where it was interrupted.

    Args:
        start: weights to begin with.
        kept: the checkpoint; it stays there, for who writes the result to remove.
        tell: called after every step with what a learning in progress tells.
        stop: asked after every step.

    Raises:
        Stopped: ``stop`` said so.
        BadInput: the loss is no number any more.
        PiEdgeError: the runtime failed.
    """
    plan = {**course.plan, "weights": _identity(start)}
    story = _begin(graph, replace(course, plan=plan), start, kept, say)
    order_of = _Orders(course)
    steps = math.ceil(course.count / graph.batch)
    total = steps * course.epochs
    began, saved = time.monotonic() - story["seconds"], time.monotonic()

    def keep() -> None:
        nonlocal saved
        story["seconds"] = time.monotonic() - began
        checkpoint.save(kept, graph.weights() | _named(graph.optimiser()), story)
        saved = time.monotonic()

    while story["step"] < total:
        epoch, first = divmod(story["step"], steps)
        title = f"{course.title} epoch {epoch + 1}/{course.epochs}"
        with Progress(title, steps - first, after=(course.epochs - epoch - 1) * steps) as progress:
            for at in range(first, steps):
                rows = order_of(epoch)[at * graph.batch : (at + 1) * graph.batch]
                inputs, target = course.batch(rows)
                loss, figure = graph.train(inputs, target, _rate(course, story["step"], total))
                if not math.isfinite(loss):
                    raise BadInput(
                        f"{course.title}: the loss became {loss} in epoch {epoch + 1}: is something"
                        " in the data not what it should be? Nothing was changed"
                    )
                story["step"] += 1
                story["loss"] += loss * len(rows)
                story["figure"] += figure * len(rows)
                story["seen"] += len(rows)
                figures = _figures(course, story)
                progress.step(**figures)
                tell(
                    epoch=epoch + 1,
                    epochs=course.epochs,
                    seconds_left=progress.seconds_left,
                    **figures,
                )
                if stop():
                    keep()
                    raise Stopped(f"{course.title}: stopped: the same command goes on from here")
                if time.monotonic() - saved > KEEP_SECONDS:
                    keep()
        figures = _figures(course, story)
        story["history"].append({"epoch": epoch + 1} | {k: round(v, 6) for k, v in figures.items()})
        story |= {"loss": 0.0, "figure": 0.0, "seen": 0}
        told = ", ".join(
            f"{name} {value:.2%}" if name == "accuracy" else f"{name} {value:.4f}"
            for name, value in figures.items()
        )
        say(f"{title}: {told}, {time.monotonic() - began:.0f} s")
    seconds = time.monotonic() - began
    return Learned(graph.weights(), story["history"], seconds, seconds / course.epochs)


class _Orders:
    """The order of the examples in each epoch; one is remembered."""

    def __init__(self, course: Course) -> None:
        self._course, self._epoch = course, -1
        self._order = np.empty(0, np.int64)

    def __call__(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            random = np.random.default_rng([self._course.seed, epoch + 1])
            self._order, self._epoch = random.permutation(self._course.count), epoch
        return self._order


def _begin(
    graph: TrainingGraph,
    course: Course,
    start: Mapping[str, np.ndarray],
    kept: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Set the graph to where the learning begins or goes on; the story so far."""
    if kept.exists():
        try:
            values, story = checkpoint.load(kept)
        except BadInput as error:
            say(f"{course.title}: {error}: starting over")
        else:
            if story["plan"] == course.plan:
                graph.restore({k: v for k, v in values.items() if not k.startswith(_ADAM)})
                graph.restore_optimiser(
                    {k.removeprefix(_ADAM): v for k, v in values.items() if k.startswith(_ADAM)}
                )
                say(f"{course.title}: going on after step {story['step']}")
                return story
            say(f"{course.title}: other data or settings than last time: starting over")
    graph.restore(start)
    graph.reset_optimiser()
    return {
        "plan": dict(course.plan), "step": 0, "loss": 0.0, "figure": 0.0, "seen": 0,
        "history": [], "seconds": 0.0,
    }  # fmt: skip


def _identity(weights: Mapping[str, np.ndarray]) -> str:
    """What tells weights from others: a learning must not go on from a model's predecessor."""
    whole = hashlib.sha256()
    for name in sorted(weights):
        whole.update(name.encode() + np.ascontiguousarray(weights[name]).tobytes())
    return whole.hexdigest()


_ADAM = "adam/"


def _named(optimiser: Arrays) -> Arrays:
    return {f"{_ADAM}{name}": value for name, value in optimiser.items()}


def _figures(course: Course, story: Mapping[str, Any]) -> dict[str, float]:
    figures = {"loss": story["loss"] / story["seen"]}
    if course.figure:
        figures[course.figure] = story["figure"] / story["seen"]
    return figures


def _rate(course: Course, step: int, total: int) -> float:
    rising = (step + 1) / min(course.warm_up, max(1, total // 10))
    falling = 0.5 + 0.5 * math.cos(math.pi * step / total)
    return course.rate * min(rising, falling)
