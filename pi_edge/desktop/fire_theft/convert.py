"""The line as a .tflite file; the 42 districts and the lesson go into its model.json."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pi_edge.desktop.fire_theft import TRAINING, data
from pi_edge.desktop.regression import training
from pi_edge.desktop.regression.convert import check_same, write
from pi_edge.desktop.regression.training import Trained


def convert(
    name: str,
    *,
    state: Path,
    output: Path,
    given: Path | None = None,
    say: Callable[[str], None] = print,
) -> Path:
    """Convert the training of `name` in `state` into the folder `output`/`name`."""
    result = training.load(state, name, f"pi-edge train {name}", TRAINING)
    check_same(result, data.find(given) if given is not None else None)
    story = dict(result.story)
    lesson = story.pop("lesson")
    districts = {
        "source": data.SOURCE,
        "terms": data.TERMS,
        "sha256": story["data"]["sha256"],
        data.COLUMN: result.x[:, 0].tolist(),
        data.TARGET: result.y.tolist(),
    }
    told = Trained(name, result.fit, result.x, result.y, story)
    more = {"data": districts, "lesson": lesson}
    return write(told, output / name, "fire-theft", more, say=say)
