"""Measure one model file in a process of its own: ``python -m pi_edge.benchmark.child``.

A process of its own, because peak memory and the time of a first load can be had only once
in a process' life, and because a model that crashes the runtime takes its process with it. The
job comes as JSON on stdin, the figures go as one line of JSON to stdout.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pi_edge import runtime
from pi_edge.benchmark import energy, inputs, measure
from pi_edge.errors import PiEdgeError
from pi_edge.model import Model


def main(work: Callable[[Mapping[str, Any]], Any]) -> int:
    """Do the job on stdin, as ``work`` does it; 1 and one line on stderr where the model does not
    work."""
    # A runtime that prints must not print into the answer.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        figures = work(json.load(sys.stdin))
    except PiEdgeError as error:
        print(error, file=sys.stderr)
        return 1
    json.dump(figures, answer)
    answer.close()
    return 0


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Load, run once, warm up, measure.

    Args:
        job: ``file`` (the .tflite), ``folder`` (where check.npz may be), ``threads``,
            ``limits`` (fields of measure.Limits that differ from the default) and, where wanted,
            ``samples`` (how many single durations at most) and ``energy_seconds`` (how long to
            weigh the energy, where the machine can tell).

    Returns:
        The fields of measure.Timing, and ``runtime_import_ms``, ``load_ms`` (open and allocate),
        ``first_ms``, ``warm_up_runs``, ``warm_up_seconds``, ``stable``, ``runtime_bytes`` (peak
        memory before the model), ``peak_bytes``, ``input``; where asked for, ``samples_ns``
        (measure.thinned) and the fields of energy.Energy, or None as ``energy``.

    Raises:
        PiEdgeError: the model does not load or run.
    """
    limits = measure.Limits(**job["limits"])
    imported = _milliseconds(runtime.preload)[0]
    runtime_bytes = peak_bytes()
    load_ms, model = _milliseconds(lambda: Model(Path(job["file"]), job["threads"]))
    arrays, source = inputs.choose(model.inputs, Path(job["folder"]))
    first_ms, _ = _milliseconds(lambda: model.run(arrays))
    warmed = measure.warm_up(lambda: model.run(arrays), limits)
    # Taken here, so that the list of durations below is not counted as the model's.
    model_bytes = peak_bytes()
    durations = measure.sample(lambda: model.run(arrays), limits)
    figures = asdict(measure.summarize(durations))
    if job.get("samples"):
        figures["samples_ns"] = measure.thinned(durations, job["samples"])
    if job.get("energy_seconds"):
        figures["energy"] = energy.per_run(lambda: model.run(arrays), job["energy_seconds"])
    return {
        **figures,
        "runtime_import_ms": imported,
        "load_ms": load_ms,
        "first_ms": first_ms,
        "warm_up_runs": warmed.runs,
        "warm_up_seconds": warmed.seconds,
        "stable": warmed.stable,
        "runtime_bytes": runtime_bytes,
        "peak_bytes": model_bytes,
        "input": source,
    }


def peak_bytes() -> int:
    """The largest resident memory this process ever had.

    Linux's VmHWM (proc(5)) starts anew with each program; getrusage, the fallback elsewhere,
    remembers the parent's size across fork and exec.
    """
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else []:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _milliseconds(call: Any) -> tuple[float, Any]:
    began = time.perf_counter_ns()
    result = call()
    return (time.perf_counter_ns() - began) / 1e6, result


if __name__ == "__main__":
    sys.exit(main(run))
