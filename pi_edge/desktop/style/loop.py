"""The loop of a training: step after step, kept now and then, with a picture to look at.

All that decides the next step is in what is kept, so that a training that was stopped goes on as
if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.style import crops, kept, losses, preview, tally
from pi_edge.desktop.style.interrupt import asked_to_stop
from pi_edge.desktop.style.learner import Learner
from pi_edge.learning.progress import Progress
from pi_edge.processes import peak_bytes

KEEP_EVERY = 100
PREVIEW_SIDE = 192


def beginning(plan: dict[str, Any], seed: int) -> dict[str, Any]:
    """The story of a training before its first step."""
    return {
        "plan": plan,
        "seed": seed,
        "step": 0,
        "history": [],
        "seconds": 0.0,
        "timed_steps": 0,
        "peak_bytes": 0,
    }


def run(
    title: str,
    learner: Learner,
    photos: Sequence[NDArray[np.uint8]],
    grams: losses.Grams,
    names: Sequence[str],
    story: dict[str, Any],
    *,
    path: Path,
    end: int,
    show: Callable[[], Sequence[NDArray[Any]]],
    every: int = KEEP_EVERY,
    say: Callable[[str], None] = print,
) -> None:
    """Learn from step story["step"] to `end`, or until the recipe's time is up.

    Args:
        names: of the styles, by their index.
        story: of a training, see `beginning`; is kept up to date.
        path: the checkpoint. The preview takes its place beside it.
        show: makes the row of pictures of the preview.
        every: steps between those after which all is kept and shown.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM asked to stop. All is kept then.
    """
    recipe, styles = learner.recipe, learner.shape.styles
    gathered = tally.Tally(names)
    begun, before, timed = time.monotonic(), story["seconds"], story["step"]

    def seconds() -> float:
        return float(before + time.monotonic() - begun)

    def keep() -> None:
        nonlocal timed
        story["timed_steps"] += story["step"] - timed
        story["seconds"], timed = seconds(), story["step"]
        story["peak_bytes"] = max(story["peak_bytes"], peak_bytes())
        kept.save(path, learner.values(), learner.shape, story)

    def over() -> bool:
        return story["step"] >= recipe.steps or recipe.share(story["step"], seconds()) >= 1.0

    with asked_to_stop() as asked, Progress(f"{title}: learning", end - story["step"]) as progress:
        while story["step"] < end and not over() and not asked:
            number = story["step"]
            phase = recipe.phase_at(number)
            batch = crops.draw(
                photos, story["seed"], number, phase, styles, recipe.zoom, recipe.noise
            )
            step = learner.step(batch, grams, number, phase, recipe.rate(number, seconds()))
            gathered.add(batch.styles, step)
            story["step"] += 1
            progress.step(content=float(step.content.mean()), style=float(step.style.mean()))
            if story["step"] % every == 0:
                told = {"step": story["step"], **gathered.take()}
                story["history"].append(told)
                keep()
                preview.write(path.with_suffix(".jpg"), [show()])
                say(f"{title} step {story['step']}/{end}: {tally.line(told)}")
        if over():
            story[kept.FINISHED] = datetime.now(UTC).isoformat(timespec="seconds")
        keep()
    if asked:
        say(f"{title}: kept at step {story['step']}; the same command goes on from here")
        raise KeyboardInterrupt
