"""A .tflite file: tried in a worker of its own, run, and after it a good one. Whatever it does to
its worker, the process that forks workers lives on."""

from __future__ import annotations

import atexit
import tempfile
from pathlib import Path

import numpy as np
import tflite_mutator
from targets import FUZZ, refusals

from pi_edge.model import trivial_inputs
from pi_edge.workers.process import Workshop
from pi_edge.workers.worker import Order

LENGTH, MEGABYTES = 8192, 512
MUTATOR = tflite_mutator.mutator
WORDS = (
    *(b"TFL3", b"serving_default", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80"),
    *(
        b"\x01\0\0\0",
        b"\0\0\0\0",
        b"\x02\0\0\0",
        b"\x10\0\0\0",
        b"\0\0\x01\0",
        b"min_runtime_version",
    ),
)

# Seconds: less than SECONDS in targets.py, so that a model that hangs is no finding.
TRY, RUN = 5.0, 3.0
MEMORY = 1 << 30

_shop = Workshop()
atexit.register(_shop.close)
_file = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)) / "m.tflite"
_GOOD = FUZZ.parent / "data" / "double.tflite"


def check(data: bytes) -> None:
    good(_GOOD)
    forks = _shop.pid
    _file.write_bytes(data)
    with refusals():
        worker = _shop.start(Order(str(_file), copy=True, memory=MEMORY), TRY)
        try:
            if sum(np.prod([abs(n) for n in s.shape], dtype=float) for s in worker.inputs) < 1e6:
                worker.run(trivial_inputs(worker.inputs), RUN)
        except TimeoutError:
            pass
        finally:
            worker.close()
    assert _shop.pid == forks, "the process that forks was lost"
    good(_GOOD)


def good(file: Path) -> None:
    worker = _shop.start(Order(str(file), copy=True, memory=MEMORY), 60)
    given = worker.run({"x": np.array([[1, 2, 3]], np.float32)}, 60)
    worker.close()
    assert given["y"].tolist() == [[2, 4, 6]]
