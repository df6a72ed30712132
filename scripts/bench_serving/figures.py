"""What the runs of one comparison come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench_serving.load import Load

# What we want of pi-edge beside this server: multiples of its requests a second, and at most these
# parts of its memory and disk.
GOAL_PEER = "MLServer as installed"
GOALS = {"JSON, 1 connection": 1.8, "JSON, 8 connections": 2.7, "binary, 8 connections": 2.6}
GOAL_PARTS = {"pss_bytes": 1 / 2, "disk_bytes": 1 / 3}


def summarize(runs: Sequence[Load]) -> dict[str, Any]:
    """Medians over the rounds, and the range of the rates.

    Args:
        runs: one per round, at least one.
    """
    rates = [run.rate for run in runs]
    return {
        "rate": median(rates),
        "rate_min": min(rates),
        "rate_max": max(rates),
        "p50_ms": median(run.p50_ms for run in runs),
        "p99_ms": median(run.p99_ms for run in runs),
        "cpu_us": median(run.cpu_us for run in runs),
        "rounds": len(runs),
    }


def ratios(
    ours: Mapping[str, Sequence[Load]], theirs: Mapping[str, Sequence[Load]]
) -> dict[str, float]:
    """Our rate by theirs for each kind of load. A server that takes no raw bytes is sent JSON where
    we are sent those: each as it is best asked."""
    found = {}
    for kind, runs in ours.items():
        other = theirs.get(kind) or theirs.get(kind.replace("binary", "JSON"))
        if other:
            found[kind] = ratio(runs, other)
    return found


def ratio(ours: Sequence[Load], theirs: Sequence[Load]) -> float:
    """The median over the rounds of our rate by theirs in the same round: what slows the
    machine for a while slows both."""
    return median(a.rate / b.rate for a, b in zip(ours, theirs, strict=True))


def verdict(value: float, goal: float, most: bool = False) -> str:
    """Whether a goal is met: at least, or with ``most`` at most ``goal``."""
    return "met" if (value <= goal if most else value >= goal) else "NOT met"


def life(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Medians of starts and stops. How a stop went is told in words: the worst counts."""
    keys = ("listening_seconds", "ready_seconds", "pss_bytes", "stop_seconds")
    unclean = [one["stop"] for one in rounds if one["stop"] != "clean"]
    return {key: median(one[key] for one in rounds) for key in keys} | {
        "stop": unclean[0] if unclean else "clean",
        "rounds": len(rounds),
    }
