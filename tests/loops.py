"""An event loop that turns beside the test, and models whose workers are threads of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from typing import Any

import numpy as np

from pi_edge.errors import PiEdgeError
from pi_edge.model import TensorSpec
from pi_edge.workers.process import Ended

SPEC = TensorSpec("x", np.dtype(np.float32), (-1,), 0)
ONE = {"x": np.ones(1, np.float32)}
PATIENCE = 60.0


@contextlib.contextmanager
def turning_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


class FakeProcess:
    """In place of a worker: a thread that calls ``act`` for every run, and notes when two runs
    overlap. ``die`` ends it; so does an ``act`` that raises Ended."""

    inputs = outputs = (SPEC,)
    pid = 1

    def __init__(
        self,
        act: Callable[[Mapping[str, np.ndarray]], object] = lambda inputs: None,
        batch: int = 1,
    ):
        self.act, self.batch = act, batch
        self.runs = 0
        self.inside, self.overlapped = 0, False
        self.closed = threading.Event()
        self.line, self._far = socket.socketpair()
        self.line.setblocking(False)
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        self._outcomes: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def send(self, inputs: Mapping[str, np.ndarray]) -> None:
        self.inside += 1
        self.overlapped |= self.inside > 1
        self._jobs.put(inputs)

    def receive(self) -> dict[str, np.ndarray]:
        if not self.line.recv(1):
            raise Ended("the worker's process ended")
        self.inside -= 1
        outcome = self._outcomes.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def die(self) -> None:
        self._far.close()

    def kill(self) -> None:
        self._jobs.put(None)

    def cause(self) -> str:
        return "SIGSEGV"

    def close(self) -> None:
        self.kill()
        self.line.close()
        self.closed.set()

    def _work(self) -> None:
        while (inputs := self._jobs.get()) is not None:
            self.runs += 1
            try:
                self.act(inputs)
                self._outcomes.put({"y": inputs["x"] + 1})
            except Ended:
                self.die()
                return
            except PiEdgeError as error:
                self._outcomes.put(error)
            with contextlib.suppress(OSError):
                self._far.send(b"!")


class FakeServer:
    """Stands behind a handle: hands out the processes it was given, and notes what it hears."""

    def __init__(self, *processes: FakeProcess) -> None:
        self._processes = list(processes)
        self.succeeded = self.failed = 0
        self.reasons: list[str] = []
        self.was_broken = threading.Event()

    def restart(self) -> Any:
        if not self._processes:
            raise PiEdgeError("its file is gone")
        return self._processes.pop(0)

    def counted(self, succeeded: bool) -> None:
        self.succeeded += succeeded
        self.failed += not succeeded

    def broken(self, reason: str) -> None:
        self.reasons.append(reason)
        self.was_broken.set()
