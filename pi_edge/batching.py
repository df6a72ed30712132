"""Requests that are computed together: rows of several become one inference.

Only for models whose every input and output has the batch as its first dimension, and of whose
rows none changes another's: `pi-edge tune` finds that out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

Outputs = dict[str, np.ndarray]


class Job(NamedTuple):
    """One request for an inference."""

    inputs: Mapping[str, np.ndarray]
    queued_ns: int
    counted: bool
    future: asyncio.Future[Outputs]


def take(jobs: deque[Job], most: int) -> list[Job]:
    """Take those off the front that are computed next: several only where all that differs is the
    number of rows, with at most ``most`` rows in sum. Those whose client went away are dropped."""
    while jobs:
        first = jobs.popleft()
        if not first.future.done():
            return [first] if most == 1 else [first, *_fellows(first, jobs, most - _rows(first))]
    return []


def _fellows(first: Job, jobs: deque[Job], room: int) -> list[Job]:
    """Those next in line that can be computed with the first, of ``room`` rows together."""
    found: list[Job] = []
    while jobs:
        job = jobs[0]
        if not job.future.done():
            room -= _rows(job)
            if room < 0 or not _alike(first.inputs, job.inputs):
                break
            found.append(job)
        jobs.popleft()
    return found


def joined(jobs: Sequence[Job]) -> Mapping[str, np.ndarray]:
    """The inputs of all of them."""
    if len(jobs) == 1:
        return jobs[0].inputs
    return {name: np.concatenate([job.inputs[name] for job in jobs]) for name in jobs[0].inputs}


def parted(outputs: Outputs, jobs: Sequence[Job]) -> list[Outputs] | None:
    """To each its own rows; None where the outputs have not as many as the inputs."""
    if len(jobs) == 1:
        return [outputs]
    ends = np.cumsum([_rows(job) for job in jobs]).tolist()
    if any(output.shape[:1] != (ends[-1],) for output in outputs.values()):
        return None
    return [
        {name: output[start:end] for name, output in outputs.items()}
        for start, end in zip([0, *ends], ends, strict=False)
    ]


def _rows(job: Job) -> int:
    shape = next(iter(job.inputs.values())).shape
    return shape[0] if shape else 1


def _alike(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return all(
        one[name].dtype == array.dtype and one[name].shape[1:] == array.shape[1:]
        for name, array in other.items()
    )
