"""The daemon's end of a worker, and of the process that forks them."""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import select
import signal
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import orjson

from pi_edge.errors import BadInput, PiEdgeError, Unavailable
from pi_edge.workers import origin, shared
from pi_edge.workers.worker import MESSAGE_SIZE, Order, encoded, specs_of

# Seconds in which a process that does nothing but fork does so, however slow the machine is.
_FORK_SECONDS = 30.0
# Seconds until the kernel has cleared away what was killed.
_BURIAL_SECONDS = 5.0
# How an error begins; outputs are a list.
_OBJECT = ord("{")
# How often a worker is started whose process of origin was lost meanwhile.
_ATTEMPTS = 3

logger = logging.getLogger("pi_edge")


class Ended(PiEdgeError):
    """A worker's process is gone, or does not answer."""


class Process:
    """A worker that has loaded its model. Not thread-safe: one at a time uses it.

    Attributes:
        inputs, outputs: what the model takes and gives.
        line: readable when an answer has come, or the worker has ended.
        pid: the worker's process.
        batch: most rows, of requests that wait, that it is given together.
    """

    def __init__(
        self, order: Order, line: socket.socket, memory: int, words: int, guard: socket.socket
    ) -> None:
        self.line, self.pid, self.batch = line, 0, order.batch
        self._order, self._guard, self._words = order, guard, words
        self._shared = shared.Shared(memory)
        # recv() would allocate as much each time. Of this, only what is used takes memory.
        self._buffer = memoryview(mmap.mmap(-1, MESSAGE_SIZE))
        self._pidfd = -1

    def await_ready(self, seconds: float) -> None:
        """Wait until the model is loaded and has been run once.

        Raises:
            PiEdgeError: why this file cannot be served.
            Ended: it is not the file's fault: the process that forks did not, or was killed.
        """
        name = Path(self._order.path).name
        self._await_fork()
        try:
            self._wait(self.line, seconds)
            told = orjson.loads(self._message())
        except TimeoutError:
            raise PiEdgeError(
                f"{name} did not finish its first inference within {seconds:g} s"
            ) from None
        except Ended:
            if reason := self.cause():
                raise PiEdgeError(
                    f"{name} takes down the process that runs it ({reason})"
                ) from None
            raise
        if "refused" in told:
            raise PiEdgeError(told["refused"])
        self.inputs, self.outputs = specs_of(told["inputs"]), specs_of(told["outputs"])

    def send(self, inputs: Mapping[str, np.ndarray]) -> None:
        """Have one inference done.

        Raises:
            Ended: the worker is gone.
        """
        try:
            self.line.send(self._shared.write(inputs))
        except OSError as error:
            raise Ended(f"the worker cannot be reached: {error.strerror}") from error

    def receive(self) -> dict[str, np.ndarray]:
        """The outputs of the inference that was sent, once ``line`` is readable.

        Raises:
            BadInput: the model does not take such inputs.
            PiEdgeError: the runtime failed.
            Ended: the worker is gone.
            BlockingIOError: there is no answer yet.
        """
        message = self._message()
        try:
            if message[0] == _OBJECT:
                told = orjson.loads(message)
                raise (BadInput if told["kind"] == "input" else PiEdgeError)(told["error"])
            outputs = {name: view.copy() for name, view in self._shared.read(message).items()}
        except (ValueError, TypeError, KeyError) as error:
            raise Ended(f"the worker's answer makes no sense: {error}") from error
        finally:
            self._shared.release()
        return outputs

    def run(self, inputs: Mapping[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
        """One inference, waited for.

        Raises:
            What ``send`` and ``receive`` raise.
            TimeoutError: it has not answered within ``seconds``, and must be closed.
        """
        self.send(inputs)
        self._wait(self.line, seconds)
        return self.receive()

    def kill(self) -> None:
        """End the worker, whatever it is doing."""
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def cause(self) -> str:
        """Why the worker ended: the signal or exit status, and what the runtime said last; empty
        where the process that forks was killed, and this one with it."""
        try:
            self._wait(self._guard, _BURIAL_SECONDS)
        except TimeoutError:
            return "nothing is heard of its end"
        try:
            code = int(self._guard.recv(64))
        except (OSError, ValueError):
            return ""
        how = _signal_name(-code) if code < 0 else f"exit status {code}"
        said = os.pread(self._words, 1 << 16, 0).decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return f"{how}: {last[:200]}" if last and not last.startswith("INFO:") else how

    def close(self) -> None:
        """End the worker and let go of all that belongs to it."""
        self.kill()
        self.line.close()
        self._guard.close()
        self._shared.close()
        for handle in (self._words, self._pidfd):
            if handle >= 0:
                os.close(handle)
        self._words = self._pidfd = -1

    def _await_fork(self) -> None:
        try:
            self._wait(self._guard, _FORK_SECONDS)
        except TimeoutError:
            raise Ended("the process that forks workers does not answer") from None
        message, handles, _, _ = socket.recv_fds(self._guard, 64, 1)
        if not message or not handles:
            raise Ended("the process that forks workers is gone")
        self.pid, self._pidfd = int(message), handles[0]

    def _message(self) -> memoryview:
        try:
            size = self.line.recv_into(self._buffer)
        except BlockingIOError:
            raise
        except OSError as error:
            raise Ended(f"the worker cannot be reached: {error.strerror}") from error
        if not size:
            raise Ended("the worker's process ended")
        return self._buffer[:size]

    @staticmethod
    def _wait(sock: socket.socket, seconds: float) -> None:
        poll = select.poll()  # select() itself takes no descriptor beyond 1023
        poll.register(sock, select.POLLIN)
        if not poll.poll(max(0.0, seconds) * 1000):
            raise TimeoutError


class Workshop:
    """Starts workers. Safe to use from any thread.

    The process that forks is started with the first worker, and again when it was lost.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._origin: origin.Origin | None = None
        self._closed = False

    def fork(self) -> None:
        """Have the process that forks now, as a fork of this one where that is safe: it is there
        at once, and shares what this one has imported."""
        with self._lock:
            self._origin = origin.fork()

    def start(self, order: Order, seconds: float) -> Process:
        """A worker that has loaded ``order``'s model and run it once.

        Args:
            seconds: how long that may take.

        Raises:
            PiEdgeError: why this file cannot be served: the runtime's reason, or that it takes
                down the process that runs it, or is not done in time.
            Unavailable: it is not the file's fault.
        """
        for _ in range(_ATTEMPTS):
            try:
                return self._start(order, seconds)
            except Ended as error:
                logger.warning("%s", error)
        raise Unavailable("the process that runs models cannot be started: see the log")

    def close(self) -> None:
        """End all workers, also those that are being started, and start none any more."""
        with self._lock:
            self._closed = True
            if self._origin:
                self._end(self._origin)

    @property
    def pid(self) -> int:
        """The process that forks; 0 before there is one."""
        return self._origin.pid if self._origin else 0

    def _start(self, order: Order, seconds: float) -> Process:
        line, worker_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        guard, far_guard = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        memory = shared.create()
        words = os.memfd_create("words", os.MFD_CLOEXEC)
        process = Process(order, line, memory, words, guard)
        forked_by = None
        try:
            with worker_line, far_guard:
                handles = [worker_line.fileno(), memory, words, far_guard.fileno()]
                forked_by = self._order(encoded(order), handles)
            process.await_ready(seconds)
        except BaseException as error:
            process.close()
            if forked_by and isinstance(error, Ended):
                self._replace(forked_by)
            raise
        line.setblocking(False)
        return process

    def _order(self, message: bytes, handles: list[int]) -> origin.Origin:
        """Have a worker forked; by which process."""
        with self._lock:
            if self._closed:
                raise Unavailable("no models are started any more")
            if self._origin is None:
                self._origin = origin.launch()
            try:
                socket.send_fds(self._origin.control, [message], handles)
                return self._origin
            except OSError as error:  # it was killed
                self._end(self._origin)
                raise Ended("the process that forks workers is gone") from error

    def _replace(self, lost: origin.Origin) -> None:
        """Give up a process that does not fork (it was stopped); the next order starts another."""
        with self._lock:
            if self._origin is lost:
                self._end(lost)

    def _end(self, ended: origin.Origin) -> None:
        ended.end()
        self._origin = None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
