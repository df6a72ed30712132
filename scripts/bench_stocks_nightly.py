"""stocks retrained each night beside stocks as it was shipped, over all test years.

Each night of the test span does what `pi-edge learn stocks --prices` does with the prices up to
that day: learns in the TFLite runtime, going on from the night before, calibrates, and is kept only
if the guard lets it. What serves then forecasts the next close.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pi_edge import catalog
from pi_edge.learning import loop, written
from pi_edge.learning.forecasts import features, network, spans, statistics
from pi_edge.learning.forecasts.network import Architecture, Fitted
from pi_edge.learning.forecasts.past import HELD_BACK
from pi_edge.learning.graph import TrainingGraph
from pi_edge.learning.loop import Course
from pi_edge.learning.stocks import STEPS
from pi_edge.tasks import prices

TEST_FROM = np.datetime64("2016-05-23")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prices", type=Path, help="a CSV of closing prices")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--every", type=int, default=1, help="learn every so many nights")
    args = parser.parse_args()
    entry = catalog.find(args.models)[0]["stocks"]
    told = written.training(entry)
    architecture = Architecture(**{**told["architecture"], "hidden": ()})
    frozen = network.from_constants(written.read(entry), architecture, told["shrinkage"])
    table = prices.read(args.prices)
    closes = table.closes[:, [table.tickers.index(name) for name in entry.info["tickers"]]]
    graph = written.graph(entry, threads=1)
    # What belongs to a row is computed from rows before it: once is enough for all nights.
    rows = features.usable(slice(0, len(closes)))
    x = network.seen(closes, rows, architecture)
    y = features.targets(closes, rows, 1, architecture.weights)
    y = np.clip(y, -features.CLIP, features.CLIP).astype(np.float32)
    first = int(np.searchsorted(table.dates, TEST_FROM))
    serving, refused, seconds, said = frozen, 0, [], []
    for night in range(first, len(closes)):
        if (night - first) % args.every == 0:
            began = time.monotonic()
            learned = _learn(graph, told, architecture, serving, closes[:night], x, y)
            seconds.append(time.monotonic() - began)
            if _worse(learned, serving, closes[:night]):
                refused += 1
            else:
                serving = learned
        said.append(network.predict(closes[: night + 1], np.array([night]), serving))
        if (night - first) % 100 == 99:
            print(f"{table.dates[night]}: {refused} refused so far", file=sys.stderr, flush=True)
    target = np.arange(first, len(closes))
    came, last = closes[target], closes[target - 1]
    usual = np.abs(came - last)
    unit = np.nanmean(usual, 0)
    still = network.predict(closes, target, frozen)
    losses = {"last price": usual / unit, "frozen": np.abs(came - still.middle) / unit}
    losses["nightly"] = np.abs(came - np.concatenate([one.middle for one in said])) / unit
    low = np.concatenate([one.low for one in said])
    high = np.concatenate([one.high for one in said])
    inside = {
        "frozen": ((came >= still.low) & (came <= still.high)).mean(),
        "nightly": ((came >= low) & (came <= high)).mean(),
    }
    print(
        f"{len(target)} days from {table.dates[first]}, {closes.shape[1]} stocks, learned every "
        f"{args.every} nights: {len(seconds)} times, {np.mean(seconds):.2f} s each, {refused} "
        "refused"
    )
    for name, loss in losses.items():
        test = statistics.diebold_mariano(loss, losses["last price"])
        p = f"p {test.p:.3f}" if test else ""
        held = f"interval held {inside[name]:.2%}" if name in inside else ""
        print(f"{name:12} {np.nanmean(loss):.5f} of the last price's error  {p:8} {held}")
    test = statistics.diebold_mariano(losses["nightly"], losses["frozen"])
    assert test is not None
    print(
        f"nightly less frozen: {test.difference:+.5f} [{test.low:+.5f}, {test.high:+.5f}], "
        f"p {test.p:.3f}"
    )
    return 0


def _learn(
    graph: TrainingGraph,
    told: dict,
    architecture: Architecture,
    serving: Fitted,
    closes: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
) -> Fitted:
    """What learn() of pi_edge/learning/stocks.py does, without files."""
    train, validation = spans.calibration(slice(0, len(closes) - HELD_BACK))
    count = train.stop - features.DAYS  # no target of a later row
    there = np.isfinite(x[:count]).all(2) & np.isfinite(y[:count])
    seen, came = x[:count][there], y[:count][there][:, None]
    course = Course(
        title="night",
        count=len(seen),
        batch=lambda rows: ({"seen": seen[rows]}, came[rows]),
        epochs=max(int(told["epochs"]), math.ceil(STEPS / math.ceil(len(seen) / graph.batch))),
        rate=told["rate"],
        seed=0,
        plan={},
        figure="",
        warm_up=50,
    )
    start = {key.replace("/", "_"): value for key, value in serving.weights.items()}
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "checkpoint.npz"
        learned = loop.learn(graph, course, start, kept, say=lambda _: None)
    weights = {key.replace("_", "/"): value for key, value in learned.weights.items()}
    raw = Fitted(architecture, weights, 1.0, 0.0, 0.0)
    return network.calibrated(closes[: validation.stop], validation, raw)


def _worse(learned: Fitted, serving: Fitted, closes: np.ndarray) -> bool:
    """Whether the guard refuses it, as pi_edge/learning/forecasts/contest.py has it."""
    rows = np.arange(len(closes) - HELD_BACK, len(closes))
    came, last = closes[rows], closes[rows - 1]
    unit = np.abs(came - last).mean(0)
    after, before = (
        np.abs(came - network.predict(closes, rows, one).middle) / unit
        for one in (learned, serving)
    )
    test = statistics.diebold_mariano(after, before)
    chance = (test.high - test.low) / 2 if test else 0.0
    return not after.mean() - before.mean() <= chance


if __name__ == "__main__":
    sys.exit(main())
