"""What a worker does: load one model, then run it whenever it is asked to.

It may hang, crash or be killed at any moment: nobody but the daemon's client waits for it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import resource
import signal
import socket
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from pi_edge import datatypes
from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.model import Model, TensorSpec, trivial_inputs
from pi_edge.workers.shared import Shared

# Larger than any message: they hold names, types and shapes, or one error.
MESSAGE_SIZE = 1 << 18

# Bytes of what the runtime says that are kept for the day it dies.
_LAST_WORDS = 1 << 14


@dataclass(frozen=True)
class Order:
    """What to serve and within which bounds.

    Attributes:
        path: the .tflite file.
        title: what the process is called, such as "model NAME".
        threads: threads one inference may use.
        copy: read the file instead of mapping it.
        memory: most bytes of data the process may have; 0 for no bound.
        xnnpack: whether XNNPACK's kernels run what they can.
        batch: most rows, of requests that wait, that the daemon has computed together.
        trial: whether to run it once before it serves, as nobody knows what it does.
    """

    path: str
    title: str = "model"
    threads: int = 1
    copy: bool = False
    memory: int = 0
    xnnpack: bool = True
    batch: int = 1
    trial: bool = True


def serve(order: Order, line: socket.socket, memory: int, words: int) -> None:
    """Load the model, say what it takes and gives, and run it until the daemon hangs up.

    Args:
        line: where requests come from and answers go to.
        memory: descriptor of the shared memory.
        words: descriptor of the file that takes what the runtime says.
    """
    os.dup2(words, 2)
    _confine(order)
    shared = Shared(memory)
    try:
        model = load(Path(order.path), order.threads, order.copy, order.xnnpack, order.trial)
    except PiEdgeError as error:
        line.send(orjson.dumps({"refused": _one_line(error)[: MESSAGE_SIZE // 8]}))
        return
    specs = {"inputs": _described(model.inputs), "outputs": _described(model.outputs)}
    line.send(orjson.dumps(specs))
    # recv() would allocate as much each time. Of this, only what is used takes memory.
    buffer = memoryview(mmap.mmap(-1, MESSAGE_SIZE))
    while size := line.recv_into(buffer):
        line.send(_answer(model, shared, buffer[:size]))


def load(
    path: Path, threads: int, copy: bool = False, xnnpack: bool = True, trial: bool = True
) -> Model:
    """The model in ``path``, loaded and, for ``trial``, run once on trivial inputs, in this
    process, whatever it does to it; all else as for Model.

    Raises:
        PiEdgeError: why this file cannot be served.
    """
    try:
        model = Model(path, threads, copy, xnnpack)
        for spec in (*model.inputs, *model.outputs):
            datatypes.name_of(spec.dtype)
        if trial:
            model.run(trivial_inputs(model.inputs))
    except PiEdgeError:
        raise
    except MemoryError as error:
        raise PiEdgeError(f"{path.name} needs more memory than a model may take here") from error
    except Exception as error:
        reason = str(error)
        if "data-type" in reason:  # both runtimes say just this where NumPy has no such type
            reason = "it has tensors of a type that NumPy has no name for, such as bfloat16"
        raise PiEdgeError(f"{path.name} cannot be loaded: {reason}") from error
    return model


def _one_line(error: Exception) -> str:
    """What went wrong, in text that can be sent: names of files need not be."""
    return " ".join(str(error).split()).encode(errors="replace").decode()


def _answer(model: Model, shared: Shared, request: memoryview) -> bytes:
    try:
        # The daemon has checked them. The runtime copies what it is given, and what it gives.
        return shared.write(model.compute(shared.read(request)))
    except Exception as error:  # whatever a model does, the next request is answered too
        if os.fstat(2).st_size > _LAST_WORDS:
            os.ftruncate(2, 0)
        if not isinstance(error, PiEdgeError):
            error = PiEdgeError(f"{model.path.name} failed to run: {error!r}")
        kind = "input" if isinstance(error, BadInput) else "model"
        return orjson.dumps({"error": _one_line(error)[: MESSAGE_SIZE // 8], "kind": kind})


def _confine(order: Order) -> None:
    """Take no more than a model may, and be the first to go when the machine is short."""
    if order.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (order.memory, order.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
    name_process(order.title)
    # What ends the daemon from a terminal is for the daemon to hear.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def name_process(name: str) -> None:
    """What this process is called in lists of processes, 15 characters at most."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def _described(specs: tuple[TensorSpec, ...]) -> list[tuple[Any, ...]]:
    return [(s.name, s.dtype.str, s.shape, s.index) for s in specs]


def specs_of(described: list[list[Any]]) -> tuple[TensorSpec, ...]:
    """The specs as a worker told them."""
    return tuple(
        TensorSpec(name, np.dtype(dtype), tuple(shape), index)
        for name, dtype, shape, index in described
    )


def encoded(order: Order) -> bytes:
    """An order as it travels to the process that forks; paths need not be UTF-8."""
    return orjson.dumps(astuple(replace(order, path=os.fsencode(order.path).decode("latin-1"))))


def decoded(message: bytes) -> Order:
    """The order that was ``encoded``."""
    order = Order(*orjson.loads(message))
    return replace(order, path=os.fsdecode(order.path.encode("latin-1")))
