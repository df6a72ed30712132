"""A loaded variant, as the event loop sees it.

The model runs in worker processes (workers/), each doing one inference at a time: requests for one
variant wait for each other (worker_line.py), requests for different ones run side by side. Whoever
holds a Handle sees names, types and shapes, and can run.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pi_edge.batching import Outputs
from pi_edge.errors import BadInput
from pi_edge.model import check_inputs
from pi_edge.worker_line import Limits, Server, Statistics, WorkerLine, call
from pi_edge.workers.process import Process

# Seconds for which a variant that had to refuse a request counts as overloaded.
_OVERLOADED_SECONDS = 1.0

_DEFAULTS = Limits()


class Handle:
    """One loaded variant. Its workers end when nobody holds the handle any more.

    Args:
        process: runs the model, for this handle alone from now on. Where ``limits`` has more
            workers, they follow as soon as they have loaded it.
        loop: the event loop that the handle lives on.
        name, version: what the model and the variant are called.
        server: starts and replaces workers, and is told of inferences.
    """

    def __init__(
        self,
        process: Process,
        loop: asyncio.AbstractEventLoop,
        name: str,
        version: str,
        server: Server,
        limits: Limits = _DEFAULTS,
    ) -> None:
        self.name, self.version = name, version
        self.inputs, self.outputs = process.inputs, process.outputs
        self._loop = loop
        self._server, self._statistics = server, Statistics()
        self._lines = [
            WorkerLine(loop, f"{name}/{version}", server, limits, self._statistics)
            for _ in range(limits.workers)
        ]
        first, *others = self._lines
        first.process = process  # requests may come before the loop turns
        call(loop, first.attach, process)
        for line in others:
            line.start()
        weakref.finalize(self, call, loop, _retire, self._lines).atexit = False

    async def infer(self, inputs: Mapping[str, np.ndarray], counted: bool = True) -> Outputs:
        """One inference, on the handle's event loop, which serves others meanwhile.

        Raises:
            BadInput: a name, dtype or shape is wrong.
            Overloaded: too many wait already.
            Lost: the worker was lost; another is being started.
            PiEdgeError: the runtime failed.
        """
        try:
            check_inputs(self.inputs, inputs)
        except BadInput:
            self._statistics.fail += 1
            self._server.counted(False)
            raise
        return await self._shortest().submit(inputs, counted)

    def run(self, inputs: Mapping[str, np.ndarray]) -> Outputs:
        """The same for a thread, which waits."""
        return asyncio.run_coroutine_threadsafe(self.infer(inputs), self._loop).result()

    def statistics(self) -> Statistics:
        """What was counted so far; probes are not."""
        return replace(self._statistics)

    def busy_seconds(self) -> float:
        """For how long the longest inference in progress has been running; 0 without any."""
        busy = [line.busy_since_ns for line in self._lines if line.busy_since_ns]
        return (time.perf_counter_ns() - min(busy)) / 1e9 if busy else 0.0

    @property
    def waiting(self) -> int:
        """Requests that wait for those in progress."""
        return sum(len(line.jobs) for line in self._lines)

    @property
    def lost(self) -> bool:
        """Whether there is no worker at the moment."""
        return not any(line.process for line in self._lines)

    @property
    def overloaded(self) -> bool:
        """Whether requests had to be refused just now."""
        refused_at = max(line.refused_at for line in self._lines)
        return time.monotonic() - refused_at < _OVERLOADED_SECONDS

    @property
    def pids(self) -> list[int]:
        """The workers' processes."""
        return [line.process.pid for line in self._lines if line.process]

    def _shortest(self) -> WorkerLine:
        """Where the next request waits the least."""
        if len(self._lines) == 1:
            return self._lines[0]
        working = [line for line in self._lines if line.process]
        return min(working or self._lines, key=WorkerLine.length)


def _retire(lines: list[WorkerLine]) -> None:
    for line in lines:
        line.retire()
