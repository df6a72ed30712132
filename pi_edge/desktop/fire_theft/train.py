"""The exact line through the 42 districts, and every other way beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from pi_edge import model_json
from pi_edge.desktop.fire_theft import TRAINING, data, lesson
from pi_edge.desktop.regression import training
from pi_edge.desktop.regression.train import summary
from pi_edge.desktop.regression.training import Trained
from pi_edge.learning.least_squares import fit
from pi_edge.learning.progress import Progress


def train(
    name: str,
    *,
    state: Path,
    given: Path | None = None,
    say: Callable[[str], None] = print,
) -> Trained:
    """Fit the line, measure the other ways, print both tables; kept in `state`/training/`name`.

    Raises:
        NotFound, BadInput: the table is missing or another one.
    """
    districts = data.load(given)
    began = time.perf_counter()
    line = fit(districts.x[:, None], districts.y, [data.COLUMN])
    with Progress("the other ways, and each without one district", lesson.epochs()) as progress:
        ways = lesson.ways(districts.x, districts.y, progress.step)
    story = {
        "target": data.TARGET,
        "data": {
            "source": data.SOURCE,
            "terms": data.TERMS,
            "file": districts.path.name,
            "sha256": districts.sha256,
        },
        "lesson": [asdict(way) | {"title": lesson.TITLES[way.name]} for way in ways],
        "seconds": round(time.perf_counter() - began, 3),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": model_json.versions("numpy"),
        "machine": model_json.machine(),
    }
    result = Trained(name, line, districts.x[:, None], districts.y, story)
    training.save(state, result, TRAINING)
    say(lesson.as_table(ways))
    say("")
    say(summary(line, data.TARGET))
    say(f"kept in {state / 'training' / name}; next: pi-edge convert {name}")
    return result
