"""Time one model under several settings, in turn: ``python -m pi_edge.benchmark.tune_child``.

The job comes as JSON on stdin, the figures go as one line of JSON to stdout. A process of its own,
for what the runtime does under settings that nobody tried.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from pi_edge.benchmark import child, inputs, together
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model
from pi_edge.tuning import Tuning

WARM_UP_RUNS = 3

Arrays = Mapping[str, np.ndarray]


def run(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Time each candidate in each round.

    Args:
        job: ``file`` (the .tflite), ``folder`` (where check.npz may be), ``candidates`` (fields of
            Tuning, the default first), ``rounds``, ``seconds`` (of a candidate in a round).

    Returns:
        For each candidate that works, as ``candidate``, the median time of an inference in each
        round as ``microseconds``, divided by its rows where several are computed together.

    Raises:
        PiEdgeError: the model does not work with the first candidate.
    """
    loaded: list[tuple[Tuning, Model, Arrays]] = []
    example: Arrays = {}
    for fields in job["candidates"]:
        candidate = Tuning(**fields)
        try:
            model = Model(Path(job["file"]), candidate.threads, xnnpack=candidate.xnnpack)
            example = example or inputs.choose(model.inputs, Path(job["folder"]))[0]
            arrays = example
            if candidate.batch > 1:
                if not together.possible(model):
                    continue
                arrays = together.rows(example, candidate.batch)
                if not together.same(model, arrays):
                    continue
            for _ in range(WARM_UP_RUNS):
                model.run(arrays)
        except PiEdgeError:
            if not loaded:
                raise
            continue  # these kernels do not know one of its operations
        loaded.append((candidate, model, arrays))
    times: list[list[float]] = [[] for _ in loaded]
    for _ in range(job["rounds"]):
        for (candidate, model, arrays), rounds in zip(loaded, times, strict=True):
            rounds.append(_median_us(model, arrays, job["seconds"]) / candidate.batch)
    return [
        {"candidate": asdict(candidate), "microseconds": rounds}
        for (candidate, _, _), rounds in zip(loaded, times, strict=True)
    ]


def _median_us(model: Model, arrays: Arrays, seconds: float) -> float:
    durations: list[int] = []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    while not durations or time.perf_counter_ns() < end:
        begin = time.perf_counter_ns()
        model.run(arrays)
        durations.append(time.perf_counter_ns() - begin)
    return median(durations) / 1e3


if __name__ == "__main__":
    sys.exit(child.main(run))
