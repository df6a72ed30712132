"""The requests that wait for one worker, in order, and what becomes of it.

All of it happens on the event loop. What the worker does is bounded here: how long an inference
may take, how many requests may wait, and that a worker which hangs or dies is replaced while its
requests are told to come again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from pi_edge import batching, histogram
from pi_edge.batching import Job, Outputs
from pi_edge.errors import BadInput, Lost, Overloaded, PiEdgeError
from pi_edge.model import trivial_inputs
from pi_edge.workers.process import Ended, Process

logger = logging.getLogger("pi_edge")

# A variant that fails so often in a row, and then on a trivial input too, is broken.
FAILURES_IN_A_ROW = 3
# What the latest inference counts for in how long one usually takes: little, as the event loop may
# have been late in noticing its end, and with many who wait one such must not count for all.
_LATEST = 1 / 32
# So many may always wait, however slow the model is.
_ALWAYS_WAITING = 4
# Seconds for which a variant that had to refuse a request counts as overloaded.
_OVERLOADED_SECONDS = 1.0


@dataclass(frozen=True)
class Limits:
    """What one variant may take.

    Attributes:
        deadline: seconds for one inference; a worker that takes longer is replaced.
        waiting: requests that may wait; more are refused at once.
        patience: seconds that a request may have to wait, as far as can be told beforehand.
        workers: processes that run it side by side; ``waiting`` is for each.
    """

    deadline: float = 30.0
    waiting: int = 512
    patience: float = 5.0
    workers: int = 1


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
    lost: int = 0


class Server(Protocol):
    """What starts a worker for the variant again, and hears what becomes of it."""

    def restart(self) -> Process:
        """A new worker with the same model; called on a thread.

        Raises:
            PiEdgeError: it cannot be served any more.
        """

    def counted(self, succeeded: bool) -> None:
        """A request was answered, or could not be."""

    def broken(self, reason: str) -> None:
        """The variant cannot be served any more."""


class WorkerLine:
    """One worker of a variant, when it has one.

    Args:
        loop: the event loop that all of it happens on.
        title: what the variant is called.
        server: starts and replaces the worker, and is told of inferences.
        statistics: where they are counted.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        title: str,
        server: Server,
        limits: Limits,
        statistics: Statistics,
    ) -> None:
        self.jobs: deque[Job] = deque()
        self.process: Process | None = None
        self.statistics = statistics
        self.busy_since_ns = 0
        self.refused_at = -math.inf
        self._loop, self._title, self._server, self._limits = loop, title, server, limits
        self._batch: list[Job] = []  # the inference in progress
        self._apart = 0  # so many of those that wait failed together, and are tried one by one
        self._timer: asyncio.TimerHandle | None = None
        self._usual = 0.0  # seconds that an inference takes, of late
        self._failures = 0
        self._retired = False

    def attach(self, process: Process) -> None:
        """Take a worker into service."""
        if self._retired:
            process.close()
            return
        self.process = process
        self._loop.add_reader(process.line.fileno(), self._answered)
        if not self._batch:  # the first request may have been quicker than this
            self._next()

    def retire(self) -> None:
        """Nobody will ask any more."""
        self._retired = True
        if self.process:
            self._detach().close()

    def length(self) -> int:
        """Requests in progress or waiting."""
        return len(self.jobs) + len(self._batch)

    def start(self) -> None:
        """Have a worker started; until it is there nobody should ask."""
        threading.Thread(target=self._begin, daemon=True).start()

    def submit(self, inputs: Mapping[str, np.ndarray], counted: bool) -> asyncio.Future[Outputs]:
        """Have one inference done.

        Raises:
            Lost: there is no worker now.
            Overloaded: too many wait already.
        """
        if self._batch:
            # While requests pour in, the event loop may be long in coming to the worker's answer:
            # it would sit idle, and be thought slow.
            self._answered()
        if self.process is None:
            raise Lost(f"{self._title} is being started again", retry_after=1)
        if counted and len(self.jobs) >= _ALWAYS_WAITING:
            self._refuse_beyond_limits()
        job = Job(inputs, time.perf_counter_ns(), counted, self._loop.create_future())
        self.jobs.append(job)
        if not self._batch:
            self._next()
        return job.future

    def _refuse_beyond_limits(self) -> None:
        waiting = len(self.jobs)
        expected = (waiting + 1) * self._usual
        if waiting >= self._limits.waiting or expected > self._limits.patience:
            self.refused_at = time.monotonic()
            raise Overloaded(
                f"{self._title} has {waiting} requests waiting: come again later",
                retry_after=min(60, max(1, math.ceil(expected))),
            )

    def _next(self) -> None:
        """Send what is computed next."""
        process = self.process
        if process is None:
            return
        while batch := batching.take(self.jobs, 1 if self._apart else process.batch):
            self._apart = max(0, self._apart - 1)
            self._batch = batch
            self.busy_since_ns = time.perf_counter_ns()
            try:
                process.send(batching.joined(batch))
            except Ended as error:
                self._lose(str(error))
                return
            except (OSError, MemoryError) as error:  # no memory for such inputs
                self._settle(PiEdgeError(f"{self._title} cannot take these inputs: {error}"))
                continue
            if self._timer is None:
                self._timer = self._loop.call_later(self._limits.deadline, self._overdue)
            return

    def _answered(self) -> None:
        process = self.process
        if process is None:
            return
        if not self._batch:  # nothing was asked: it can only have ended
            self._lose("")
            return
        try:
            outputs = process.receive()
        except BlockingIOError:
            return
        except Ended as error:
            self._lose(str(error))
            return
        except PiEdgeError as error:
            self._settle(error)
        else:
            self._settle(outputs)
        if self._failures >= FAILURES_IN_A_ROW:
            self._prove_again()
        self._next()

    def _settle(self, outcome: Outputs | PiEdgeError) -> None:
        """Give the inference in progress its outcome, and count it."""
        batch, begin, end = self._batch, self.busy_since_ns, time.perf_counter_ns()
        self._batch, self.busy_since_ns = [], 0
        took = (end - begin) / 1e9 / len(batch)
        self._usual += (took - self._usual) * (_LATEST if self._usual else 1)
        if isinstance(outcome, PiEdgeError):
            if len(batch) > 1 and not isinstance(outcome, Lost):  # it may be the fault of one
                self._try_apart(batch)
                return
            if not isinstance(outcome, BadInput):
                self._failures += 1
            for job in batch:
                if job.counted:
                    self._count(job.queued_ns, begin, end, False)
                if not job.future.done():
                    job.future.set_exception(outcome)
            return
        answers = batching.parted(outcome, batch)
        if answers is None:
            self._try_apart(batch)
            return
        self._failures = 0
        for job, answer in zip(batch, answers, strict=True):
            if job.counted:
                self._count(job.queued_ns, begin, end, True)
            if not job.future.done():
                job.future.set_result(answer)

    def _try_apart(self, batch: list[Job]) -> None:
        self.jobs.extendleft(reversed(batch))
        self._apart = len(batch)

    def _count(self, queued: int, begin: int, end: int, succeeded: bool) -> None:
        statistics = self.statistics
        statistics.last_ms = time.time_ns() // 1_000_000
        self._server.counted(succeeded)
        if succeeded:
            statistics.success += 1
            statistics.success_ns += end - queued
            statistics.queue_ns += begin - queued
            statistics.compute_ns += end - begin
            statistics.durations[histogram.bucket(end - begin)] += 1
        else:
            statistics.fail += 1
            statistics.fail_ns += end - queued

    def _overdue(self) -> None:
        """The deadline of some inference is over; setting it for each would cost more."""
        self._timer = None
        if not self._batch:
            return
        left = self._limits.deadline - (time.perf_counter_ns() - self.busy_since_ns) / 1e9
        if left > 0:
            self._timer = self._loop.call_later(left, self._overdue)
        else:
            self._lose(f"an inference took longer than {self._limits.deadline:g} s")

    def _lose(self, reason: str) -> None:
        """Give the worker up, tell all who wait to come again, and start another."""
        process = self._detach()
        lost = Lost(f"{self._title} was lost and is being started again: come again", retry_after=1)
        if self._batch:
            self._settle(lost)
        waiting, self.jobs = self.jobs, deque()
        for job in waiting:
            if not job.future.done():
                job.future.set_exception(lost)
        self._failures = self._apart = 0
        self.statistics.lost += 1
        self.statistics.fail += sum(job.counted for job in waiting)
        # A thread of its own: those that asyncio keeps may all be busy.
        threading.Thread(target=self._restart, args=(process, reason), daemon=True).start()

    def _detach(self) -> Process:
        process, self.process = self.process, None
        assert process
        self._loop.remove_reader(process.line.fileno())
        if self._timer:
            self._timer.cancel()
            self._timer = None
        return process

    def _begin(self) -> None:
        """On a thread: start a worker beside those that serve already."""
        try:
            process = self._server.restart()
        except Exception as error:
            logger.warning("%s: another worker cannot be started: %s", self._title, error)
            return
        call(self._loop, self.attach, process)

    def _restart(self, lost: Process, reason: str) -> None:
        """On a thread: bury the worker that was lost and start another."""
        lost.kill()
        cause = lost.cause()
        lost.close()
        because = ", ".join(filter(None, [reason, cause])) or "its process ended"
        logger.error("%s was lost (%s): starting it again", self._title, because)
        try:
            process = self._server.restart()
        except Exception as error:
            self._server.broken(f"was lost ({because}) and does not start again: {error}")
            return
        logger.info("%s is back", self._title)
        call(self._loop, self.attach, process)

    def _prove_again(self) -> None:
        """Tell inputs a model cannot digest, which are their sender's business, from a broken
        model: only the latter fails on a trivial input."""
        self._failures = 0
        process = self.process
        assert process
        future: asyncio.Future[Outputs] = self._loop.create_future()
        inputs = trivial_inputs(process.inputs)
        self.jobs.appendleft(Job(inputs, time.perf_counter_ns(), False, future))

        def judge(proof: asyncio.Future[Outputs]) -> None:
            error = None if proof.cancelled() else proof.exception()
            if error and not isinstance(error, Lost):
                self._server.broken(f"failed {FAILURES_IN_A_ROW} times in a row: {error}")

        future.add_done_callback(judge)


def call(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *given: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed: nobody asks any more
        loop.call_soon_threadsafe(function, *given)
