"""Train `stocks` or `stocks-levels` on closing prices.

For `stocks` that is: choose on validation, learn, and then walk forward through the test
years beside every baseline. What was reached is kept after each network tried, so that a
training that was killed goes on there; and all that is random comes from the seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pi_edge import model_json
from pi_edge.desktop import memory
from pi_edge.desktop.determinism import fix_order_of_additions
from pi_edge.desktop.stocks import baselines, choose, data, evaluate, layers, levels, network
from pi_edge.desktop.stocks.prepare import check_moves, plan_of, suitable
from pi_edge.errors import NotFound
from pi_edge.learning import checkpoint
from pi_edge.learning.forecasts import spans
from pi_edge.learning.progress import Progress
from pi_edge.processes import peak_bytes
from pi_edge.tasks.prices import Prices

FINISHED = "finished"


@dataclass(frozen=True)
class Trained:
    """A finished training: named arrays, and the story behind them."""

    name: str
    values: dict[str, NDArray[Any]]
    story: dict[str, Any]


def train(
    name: str,
    *,
    state: Path,
    prices: Path | None = None,
    seed: int = 0,
    fresh: bool = False,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train the model called `name`, or go on where an earlier call was interrupted.

    The result is kept in `state`/training/`name`. A finished training on the same prices with
    the same seed is kept as it is unless `fresh`; other prices or another seed start over.
    """
    path = data.find(prices)
    table = data.load(path)
    for note in table.notes if name == "stocks" else ():
        say(f"{path.name}: {note}")
    divided = spans.split(len(table.dates), str(path))
    table = suitable(name, table, divided, say)
    check_moves(table, divided, path)
    plan = plan_of(name, table, seed, path)
    # Before TensorFlow starts its threads, which keep the heaps they are born with.
    memory.give_memory_back()
    fix_order_of_additions()

    kept = state / "training" / name / checkpoint.FILE
    if fresh:
        kept.unlink(missing_ok=True)
    values: dict[str, NDArray[Any]] = {}
    story: dict[str, Any] = {"plan": plan, "seconds": 0.0, "peak_bytes": 0}
    if kept.exists():
        values, found = checkpoint.load(kept)
        if found["plan"] != plan:
            say(f"{name}: other prices or settings than last time: starting over")
            values = {}
        elif FINISHED in found:
            say(f"{name}: already trained on these prices (seed {seed}); --fresh starts over")
            return Trained(name, values, found)
        else:
            story = found
            say(f"{name}: going on with {len(story['tried'])} rows of the table")
    if not story.get("tensorflow_import_bytes"):
        story["tensorflow_import_bytes"] = memory.tensorflow_import_bytes()
    story |= {
        "path": str(path.resolve()) if prices else None,
        "spans": divided.told(table.dates),
        "versions": model_json.versions("tensorflow", "numpy"),
        "machine": model_json.machine(),
    }
    learn = _stocks if name == "stocks" else _levels
    values = learn(table, divided, seed, values, story, kept, say)
    story[FINISHED] = datetime.now(UTC).isoformat(timespec="seconds")
    checkpoint.save(kept, values, story)
    say(
        f"{name}: {story['seconds']:.0f} s, peak memory "
        f"{memory.megabytes(story['peak_bytes'])}, of which importing TensorFlow "
        f"{memory.megabytes(story['tensorflow_import_bytes'])}"
    )
    return Trained(name, values, story)


def trained(name: str, state: Path) -> Trained:
    """Return the finished training of `name` that `train` left in `state`.

    Raises:
        NotFound: there is none, or it was not finished.
    """
    kept = state / "training" / name / checkpoint.FILE
    if not kept.exists():
        raise NotFound(f"{name} is not trained yet: run pi-edge train {name}")
    values, story = checkpoint.load(kept)
    if FINISHED not in story:
        raise NotFound(f"{name} is not trained to its end: pi-edge train {name} goes on")
    return Trained(name, values, story)


def fitted(result: Trained) -> network.Fitted:
    """Return the network of a finished training of `stocks`."""
    told = result.story["fitted"]
    architecture = dict(told["architecture"], hidden=tuple(told["architecture"]["hidden"]))
    return network.Fitted(
        network.Architecture(**architecture),
        {key: value for key, value in result.values.items() if key.startswith("dense")},
        told["shrinkage"],
        told["low"],
        told["high"],
    )


def _stocks(
    table: Prices,
    divided: spans.Spans,
    seed: int,
    values: dict[str, NDArray[Any]],
    story: dict[str, Any],
    kept: Path,
    say: Callable[[str], None],
) -> dict[str, NDArray[Any]]:
    closes, count = table.closes, len(table.tickers)
    tried = choose.Tried(story.get("tried", {}), dict(values))
    clock = _Clock(story)

    def keep() -> None:
        clock.stop()
        story["tried"] = tried.rows
        checkpoint.save(kept, tried.losses, story)

    total = choose.fits(count) * layers.STEPS
    with Progress("stocks: choosing on validation", total) as progress:
        chosen = choose.choose(closes, divided, seed, tried, step=progress.step, keep=keep)
    story["validation"] = choose.told(tried, chosen, count)
    for line in choose.lines(story["validation"]):
        say(line)
    with Progress("stocks: learning", layers.STEPS) as progress:
        result = network.fit(closes, divided.train, divided.validation, chosen, seed, progress.step)
    story["fitted"] = {
        "architecture": asdict(chosen),
        "shrinkage": result.shrinkage,
        "low": result.low,
        "high": result.high,
    }
    models = baselines.all_models(chosen) | {
        "stocks-levels": levels.fit_predict,
        "stocks": network.fit_predict(chosen, seed),
    }
    total = len(models) * len(evaluate.folds(table.dates, divided.test))
    with Progress("stocks: walking forward", total) as progress:
        evaluation = evaluate.walk_forward(closes, table.dates, divided, models, progress.step)
    story["evaluation"] = evaluation.told()
    say(str(evaluation))
    clock.stop()
    return dict(result.weights)


def _levels(
    table: Prices,
    divided: spans.Spans,
    seed: int,
    values: dict[str, NDArray[Any]],
    story: dict[str, Any],
    kept: Path,
    say: Callable[[str], None],
) -> dict[str, NDArray[Any]]:
    clock = _Clock(story)
    result = levels.fit(
        table.closes, divided.train, divided.validation, seed=seed, tickers=table.tickers
    )
    story["rounds"] = result.rounds
    story["validation_loss"] = result.validation_loss
    say(
        f"stocks-levels: {result.rounds} rounds of {levels.STEPS} steps, "
        f"loss on validation {result.validation_loss:.5f}"
    )
    clock.stop()
    return dict(result.arrays())


class _Clock:
    """Adds the time since it was last stopped, and the peak of memory, to a story."""

    def __init__(self, story: dict[str, Any]) -> None:
        self.story, self.began = story, time.monotonic()

    def stop(self) -> None:
        now = time.monotonic()
        self.story["seconds"] += now - self.began
        self.story["peak_bytes"] = max(self.story["peak_bytes"], peak_bytes())
        self.began = now
