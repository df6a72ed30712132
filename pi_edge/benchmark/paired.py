"""Figures of rounds in which two machines took turns: medians, and how many times slower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

RESAMPLES = 4000
CONFIDENCE = 0.95
TICK_MS = 1e-6  # a clock may see nothing pass

# Of a row's fields, what is summed up by the median of its rounds.
_MEDIANS = (
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "throughput",
    "runtime_import_ms",
    "load_ms",
    "first_ms",
)
_LARGEST = ("warm_up_seconds", "runtime_bytes", "peak_bytes")


@dataclass(frozen=True)
class Ratio:
    """There divided by here, and where it lies with CONFIDENCE."""

    value: float
    low: float
    high: float


def ratio(
    here: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]], seed: int = 0
) -> Ratio:
    """How many times longer one inference takes there.

    The value is the median over the rounds of p50 there / p50 here, so that what slows both in one
    round does not count. The interval is the percentile interval of a bootstrap in two stages
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, 3.8): rounds are drawn
    with replacement, and in each the durations of either side.

    Args:
        here, there: one row a round, the same number of each, with p50_ms and samples_ns.
        seed: of the draws; the same rows give the same interval.
    """
    value = median(
        t["p50_ms"] / max(h["p50_ms"], TICK_MS) for h, t in zip(here, there, strict=True)
    )
    random = np.random.default_rng(seed)
    chosen = random.integers(0, len(here), (RESAMPLES, len(here)))
    ours, theirs = (_medians(side, chosen, random) for side in (here, there))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.median(theirs / np.maximum(ours, 1), axis=1), [tail, 1 - tail])
    # The samples are some of the durations, the value is of all of them.
    return Ratio(value, min(float(low), value), max(float(high), value))


def summary(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One row of the rounds: each figure its rounds' median, but memory and warm-up the
    largest. Where a round did not work, its ``error`` and no figures."""
    first = rounds[0]
    failed = next((row for row in rounds if row["error"] is not None), None)
    throttled = sorted({word for row in rounds for word in row["throttled"]})
    if failed is not None:
        return {"error": failed["error"], "throttled": throttled}
    energy = [row["energy"] for row in rounds if row.get("energy")]
    return {
        "error": None,
        "throttled": throttled,
        "runs": sum(row["runs"] for row in rounds),
        **{key: median(row[key] for row in rounds) for key in _MEDIANS},
        **{key: max(row[key] for row in rounds) for key in _LARGEST},
        "stable": all(row["stable"] for row in rounds),
        "input": first["input"],
        "joules": median(one["joules"] for one in energy) if energy else None,
        "watts": median(one["watts"] for one in energy) if energy else None,
        "energy_source": energy[0]["source"] if energy else None,
    }


def _medians(
    rounds: Sequence[Mapping[str, Any]], chosen: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """For each chosen round the median (nearest rank) of its samples drawn with replacement.

    Nothing is drawn but the medians: of n numbers drawn evenly from 0 to 1 the k-th smallest is
    distributed as Beta(k, n - k + 1), and which sample a number stands for rises with it.
    """
    ordered = [np.sort(np.asarray(row["samples_ns"], np.float64)) for row in rounds]
    counts = np.array([len(samples) for samples in ordered])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    n = counts[chosen]
    rank = (n + 1) // 2
    place = np.minimum((random.beta(rank, n - rank + 1) * n).astype(np.int64), n - 1)
    medians: np.ndarray = np.concatenate(ordered)[starts[chosen] + place]
    return medians
