"""A loaded variant and the thread that runs it.

A TFLite interpreter is not thread-safe, and an inference must not hold up the event loop. So
every variant has a thread of its own, which alone touches the interpreter and takes one job at a
time from a queue: requests for one variant wait for each other, requests for different ones run
side by side (the runtime lets go of the GIL while it computes). Whoever holds a Handle sees
names, types and shapes, and can run; not the interpreter behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple, Protocol

import numpy as np

from pi_edge import histogram
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.model import TensorSpec

logger = logging.getLogger("pi_edge")

Arrays = Mapping[str, np.ndarray]

# A variant that fails so often in a row, and then on a trivial input too, is broken.
FAILURES_IN_A_ROW = 3


class Runnable(Protocol):
    """What a handle runs: pi_edge.model.Model, or something with its shape."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]: ...


@dataclass
class Statistics:
    """Counts since loading; times in nanoseconds, summed over requests.

    ``queue`` is the time waited for earlier requests, ``compute`` the time in the runtime, which
    ``durations`` has in the buckets of pi_edge.histogram.
    """

    success: int = 0
    success_ns: int = 0
    fail: int = 0
    fail_ns: int = 0
    queue_ns: int = 0
    compute_ns: int = 0
    last_ms: int = 0
    durations: list[int] = field(default_factory=histogram.empty)


Deliver = Callable[[dict[str, np.ndarray] | None, Exception | None], object]
"""Takes the outputs, or the error there was instead; called on the handle's thread."""


class _Job(NamedTuple):
    inputs: Arrays
    queued_ns: int
    counted: bool
    deliver: Deliver


def trivial_inputs(specs: tuple[TensorSpec, ...]) -> dict[str, np.ndarray]:
    """The smallest inputs that fit ``specs``: zeros (empty text), any length taken as 1."""
    return {s.name: _zeros(tuple(abs(n) for n in s.shape), s.dtype) for s in specs}


def _zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return np.full(shape, b"", object) if dtype.kind == "S" else np.zeros(shape, dtype)


class Handle:
    """One loaded variant, to be run from any thread or event loop.

    Its thread starts with the first job and ends when nobody holds the handle any more; jobs
    already waiting are done first.

    Args:
        model: run by this handle alone from now on.
        name, version: what the model and the variant are called.
        on_inference: called on the handle's thread after each counted inference.
        on_broken: called once, on the handle's thread, with the reason, when the variant fails
            again and again, on trivial inputs too.
    """

    def __init__(
        self,
        model: Runnable,
        name: str,
        version: str,
        on_inference: Callable[[], None] = lambda: None,
        on_broken: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.name, self.version = name, version
        self.inputs, self.outputs = model.inputs, model.outputs
        self._worker = _Worker(model, f"{name}/{version}", on_inference, on_broken)
        self._jobs = self._worker.jobs
        weakref.finalize(self, self._jobs.put, None)

    def submit(self, inputs: Arrays, deliver: Deliver, counted: bool = True) -> None:
        """Queue one inference and return at once. What can go wrong, ``deliver`` is told:

        BadInput: a name, dtype or shape is wrong.
        PiEdgeError: the runtime failed.
        """
        if not self._worker.started:
            self._worker.start()
        self._jobs.put(_Job(inputs, time.perf_counter_ns(), counted, deliver))

    async def infer(self, inputs: Arrays, counted: bool = True) -> dict[str, np.ndarray]:
        """One inference; the calling event loop serves others meanwhile. Raises what ``submit``
        delivers."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[dict[str, np.ndarray]] = loop.create_future()

        def deliver(outputs: dict[str, np.ndarray] | None, error: Exception | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(settle, future, outputs, error)

        self.submit(inputs, deliver, counted)
        return await future

    def run(self, inputs: Arrays) -> dict[str, np.ndarray]:
        """The same for a thread, which waits."""
        future: Future[dict[str, np.ndarray]] = Future()
        self.submit(inputs, partial(settle, future))
        return future.result()

    def statistics(self) -> Statistics:
        """What was counted so far; probes are not."""
        return replace(self._worker.statistics)

    def waiting(self) -> int:
        """How many jobs wait for the one in progress."""
        return self._jobs.qsize()

    def busy_seconds(self) -> float:
        """For how long the inference in progress has been running; 0 when there is none."""
        since = self._worker.busy_since_ns
        return (time.perf_counter_ns() - since) / 1e9 if since else 0.0


class _Worker:
    """The thread, kept apart from Handle so that the thread does not keep the Handle alive."""

    def __init__(
        self,
        model: Runnable,
        title: str,
        on_inference: Callable[[], None],
        on_broken: Callable[[str], None],
    ) -> None:
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.statistics = Statistics()
        self.busy_since_ns = 0
        self.started = False
        self._model, self._title = model, title
        self._on_inference, self._on_broken = on_inference, on_broken
        self._starting = threading.Lock()
        self._failures = 0

    def start(self) -> None:
        with self._starting:
            if not self.started:
                threading.Thread(target=self._work, name=self._title, daemon=True).start()
                self.started = True

    def _work(self) -> None:
        while (job := self.jobs.get()) is not None:
            self._do(job)
            del job  # else its arrays, and who waits for them, live until the next one

    def _do(self, job: _Job) -> None:
        outputs: dict[str, np.ndarray] | None = None
        error: Exception | None = None
        self.busy_since_ns = begin = time.perf_counter_ns()
        try:
            outputs = self._model.run(job.inputs)
            self._failures = 0
        except BadInput as refused:
            error = refused
        except Exception as failure:  # whatever a model does, the daemon goes on
            error = failure
            self._failures += 1
            if not isinstance(failure, PiEdgeError):
                logger.exception("%s failed unexpectedly", self._title)
                error = PiEdgeError(f"{self._title} failed to run: {failure!r}")
        end = time.perf_counter_ns()
        self.busy_since_ns = 0
        if job.counted:
            self._count(job.queued_ns, begin, end, error is None)
        job.deliver(outputs, error)
        if job.counted and error is None:
            self._on_inference()
        if self._failures >= FAILURES_IN_A_ROW:
            self._prove_again()

    def _count(self, queued: int, begin: int, end: int, succeeded: bool) -> None:
        statistics = self.statistics
        statistics.last_ms = time.time_ns() // 1_000_000
        if succeeded:
            statistics.success += 1
            statistics.success_ns += end - queued
            statistics.queue_ns += begin - queued
            statistics.compute_ns += end - begin
            statistics.durations[histogram.bucket(end - begin)] += 1
        else:
            statistics.fail += 1
            statistics.fail_ns += end - queued

    def _prove_again(self) -> None:
        """Tell inputs a model cannot digest, which are their sender's business, from a broken
        model: only the latter fails on a trivial input."""
        self._failures = 0
        try:
            self._model.run(trivial_inputs(self._model.inputs))
        except Exception as error:
            on_broken, self._on_broken = self._on_broken, lambda reason: None
            on_broken(f"failed {FAILURES_IN_A_ROW} times in a row: {error}")


def settle(
    future: asyncio.Future[dict[str, np.ndarray]] | Future[dict[str, np.ndarray]],
    outputs: dict[str, np.ndarray] | None,
    error: Exception | None,
) -> None:
    """Give what was delivered to who waits for it."""
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(outputs or {})
