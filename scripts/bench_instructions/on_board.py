"""What runs on the board, whose clock counts instructions: each path through pi-edge, timed.

    .venv/bin/python on_board.py [MODEL...]

The first line is "measured" and the versions, each other one "measured" and ["row", instructions].
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from pi_edge import catalog, datatypes, runtime, tasks
from pi_edge.benchmark import inputs as benchmark_inputs
from pi_edge.model import Model

MODELS = Path("models").absolute()
STATE = Path("/root/state")
NOTIFY = "/root/notify"
ENOUGH = 100_000_000
"""Instructions to spend on a row, about: one call more is enough where it takes as many."""
PI_EDGE = str(Path(sys.executable).with_name("pi-edge"))

Arrays = dict[str, np.ndarray]


def main(names: list[str]) -> None:
    told = runtime.describe()
    _say(
        {
            told["name"]: told["version"],
            "Python": platform.python_version(),
            "NumPy": np.__version__,
        }
    )
    entries, _ = catalog.find(MODELS)
    chosen = [entry for name, entry in entries.items() if not names or name in names]
    for entry in chosen:
        for variant, file in entry.files.items():
            _in_this_process(entry, variant, file)
    # The first start tries each model; later ones know them.
    for row in ("start, models new", "start"):
        with _daemon(row) as port:
            if row == "start":
                _over_http(chosen, port)


def _in_this_process(entry: catalog.Entry, variant: str, file: Path) -> None:
    row = f"{entry.name}/{variant}"
    model = Model(file)
    arrays, _ = benchmark_inputs.choose(model.inputs, file.parent)
    _count(f"{row} bare", _bare(file, arrays))
    _count(f"{row} Model", lambda: model.run(arrays))
    if body := _task_body(entry, arrays):
        task = tasks.get(entry.task)
        _count(f"{row} task", lambda: task.answer(task.from_body(*body), model.run, entry.info))


def _bare(file: Path, arrays: Arrays) -> Callable[[], Any]:
    """An inference by the interpreter alone: arrays copied in, computed, results copied out."""
    model = Model(file)
    given = [(spec.index, arrays[spec.name]) for spec in model.inputs]
    outputs = [spec.index for spec in model.outputs]
    interpreter = runtime.interpreter(file)
    for index, array in given:
        interpreter.resize_tensor_input(index, array.shape)
    interpreter.allocate_tensors()

    def infer() -> None:
        for index, array in given:
            interpreter.set_tensor(index, array)
        interpreter.invoke()
        for index in outputs:
            interpreter.get_tensor(index)

    return infer


def _task_body(entry: catalog.Entry, arrays: Arrays) -> tuple[bytes, str] | None:
    """The same input as a client of the task's route sends it; None for style, whose photos are
    styled by a process of their own."""
    if entry.task == "digits":
        return json.dumps(
            {"pixels": arrays["image"][0].ravel().tolist()}
        ).encode(), "application/json"
    if entry.task == "regression":
        return json.dumps({"x": arrays["x"].ravel().tolist()}).encode(), "application/json"
    if entry.task == "stocks":
        closes = arrays["prices"][0]
        lines = [",".join(["Date", *entry.info["tickers"]])]
        day = np.datetime64("2020-01-01")
        for at, row in enumerate(closes):
            lines.append(",".join([str(np.busday_offset(day, at, "forward")), *map(str, row)]))
        return "\n".join(lines).encode(), "text/csv"
    return None


@contextmanager
def _daemon(row: str) -> Iterator[int]:
    """The daemon, once it is ready; its port."""
    with contextlib.suppress(FileNotFoundError):
        Path(NOTIFY).unlink()
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(NOTIFY)
    command = [PI_EDGE, "serve", "--models", str(MODELS), "--state", str(STATE), "--led", "off"]
    begin = time.monotonic_ns()
    daemon = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": NOTIFY})
    try:
        while b"READY=1" not in told.recv(4096):
            pass
        _say([row, time.monotonic_ns() - begin])
        yield 8080
    finally:
        daemon.terminate()
        daemon.wait()
        told.close()


def _over_http(chosen: list[catalog.Entry], port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for entry in chosen:
            for variant, file in entry.files.items():
                model = Model(file)
                arrays, _ = benchmark_inputs.choose(model.inputs, file.parent)
                for kind, request in (
                    ("JSON", _infer(entry.name, variant, arrays, binary=False)),
                    ("binary", _infer(entry.name, variant, arrays, binary=True)),
                ):
                    _count(f"{entry.name}/{variant} {kind}", _exchange(connection, request))
        if any(entry.name == "mnist-cnn" for entry in chosen):
            photo = Path("docs/pictures/seven.jpg").read_bytes()
            _count("a digit's photo", _exchange(connection, _post("/tasks/digits", photo)))
        if any(entry.name == "style" for entry in chosen):
            request = _post("/tasks/style?style=great-wave", _picture())
            _count("a photo of 256 pixels in a style", _exchange(connection, request))


def _infer(name: str, variant: str, arrays: Arrays, *, binary: bool) -> bytes:
    described: list[dict[str, Any]] = []
    raw = b""
    for key, array in arrays.items():
        told = {"name": key, "shape": array.shape, "datatype": datatypes.name_of(array.dtype)}
        if binary:
            described.append({**told, "parameters": {"binary_data_size": array.nbytes}})
            raw += array.tobytes()
        else:
            described.append({**told, "data": array.ravel().tolist()})
    head = json.dumps({"inputs": described, "parameters": {"binary_data_output": binary}}).encode()
    size = f"Inference-Header-Content-Length: {len(head)}\r\n" if binary else ""
    return _post(f"/v2/models/{name}/versions/{variant}/infer", head + raw, size)


def _post(path: str, body: bytes, headers: str = "") -> bytes:
    lines = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return lines.encode() + body


def _exchange(connection: socket.socket, request: bytes) -> Callable[[], None]:
    """A request and its whole answer, by as little of a client as can be: it counts, too."""

    # recv() would allocate as much each time, dearly or not by what was freed before.
    buffer = bytearray(1 << 20)

    def receive() -> bytes:
        return bytes(memoryview(buffer)[: connection.recv_into(buffer)])

    def exchange() -> None:
        connection.sendall(request)
        answer = receive()
        while not _is_whole(answer):
            more = receive()
            if not more:
                raise SystemExit(f"the connection was closed after {answer[:200]!r}")
            answer += more
        if not answer.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"this is no good answer: {answer[:500]!r}")

    return exchange


def _is_whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = answer.find(b"\r\ncontent-length: ")
    if 0 <= at < end:
        return len(answer) - end - 4 == int(answer[at + 18 : answer.index(b"\r", at + 2)])
    return answer.endswith(b"0\r\n\r\n")


def _picture() -> bytes:
    """A photo of 256 pixels a side."""
    from PIL import Image

    photo = Image.open("docs/pictures/chelsea.jpg").crop((0, 0, 256, 256))
    file = io.BytesIO()
    photo.save(file, "PNG")
    return file.getvalue()


def _count(row: str, call: Callable[[], Any]) -> None:
    """Count what a call takes once it is warm: the median of several, fewer where it is long."""

    def one() -> int:
        begin = time.monotonic_ns()
        call()
        return time.monotonic_ns() - begin

    times = min(31, ENOUGH // one() | 1)
    for _ in range(times // 3):
        call()
    _say([row, int(median(one() for _ in range(times)))])


def _say(told: Any) -> None:
    print("measured", json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
