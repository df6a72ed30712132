"""A daemon in a process of its own, and what to say to it over its socket."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"

# Far more than anything here takes, emulated or not; a test that waits so long has failed.
PATIENCE = 120.0

# `pi-edge serve` as it runs where httptools and uvloop have no wheels.
WITHOUT_ACCELERATORS = (
    sys.executable,
    "-c",
    "import sys; sys.modules.update(httptools=None, uvloop=None);"
    " from pi_edge.cli import main; sys.exit(main(sys.argv[1:]))",
    "serve",
)


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RunningDaemon:
    """A `pi-edge serve` that listens."""

    process: subprocess.Popen[bytes]
    port: int
    state: Path
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def models(self) -> Path:
        """The owner's models folder."""
        return self.state / "models"

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own; a dict or list goes as JSON."""
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())

    def status(self) -> Any:
        return self.send("GET", "/status").json()

    def model_state(self, name: str) -> str | None:
        """A model's state, None when there is no such model."""
        model = self.status()["models"].get(name)
        return model and model["state"]

    def infer(self, model: str, **inputs: Any) -> Any:
        """Outputs by name of float32 lists in, one row each."""
        listed = [
            {"name": name, "shape": [1, len(row)], "datatype": "FP32", "data": row}
            for name, row in inputs.items()
        ]
        answer = self.send("POST", f"/v2/models/{model}/infer", {"inputs": listed})
        assert answer.status == 200, answer.body
        return {output["name"]: output["data"] for output in answer.json()["outputs"]}

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def wait_until(condition: Callable[[], Any]) -> Any:
    """Ask again and again until the answer is true; what it then was."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
    return answer


@contextlib.contextmanager
def running_daemon(
    folder: Path, *flags: str, wait: bool = True, command: tuple[str, ...] = ()
) -> Iterator[RunningDaemon]:
    """A daemon with its state in ``folder``, on a free port, stopped at the end.

    Args:
        wait: until it has tried all its models.
        command: what runs instead of ``python -m pi_edge serve``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    command = command or (sys.executable, "-m", "pi_edge", "serve")
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "--port", "0", "--state", str(folder), "--led", "off", *flags],
            stdin=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        pattern = re.compile(r"listening at https?://[^ ]*:(\d+)")
        found = wait_until(lambda: pattern.search(log.read_text()) or process.poll() is not None)
        assert isinstance(found, re.Match), log.read_text()
        daemon = RunningDaemon(process, int(found[1]), folder, log)
        if wait:
            wait_until(lambda: daemon.status()["state"] != "starting")
        yield daemon
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
        if process.poll() is None:
            process.kill()
            process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def workers_of(daemon: RunningDaemon, name: str) -> list[int]:
    """The processes that run a model."""
    found = []
    for zygote in children(daemon.process.pid):
        for pid in children(zygote):
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == f"model {name}":
                    found.append(pid)
    return found


def worker_of(daemon: RunningDaemon, name: str) -> int:
    """The process that runs a model, 0 where none does."""
    return next(iter(workers_of(daemon, name)), 0)


def drop_in(name: str, folder: Path, rename: str = "") -> Path:
    """Copy NAME.tflite of tests/data into a models folder, bare."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(DATA / f"{name}.tflite", folder / f"{rename or name}.tflite"))


def install(name: str, folder: Path, task: str = "tensors", variants: int = 1, **info: Any) -> Path:
    """Put NAME.tflite of tests/data into a models folder the way convert does, vouched for by
    a model.json; its variants are v1, v2, ..."""
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    described = {}
    for number in range(1, variants + 1):
        file = target / f"v{number}.tflite"
        shutil.copy(DATA / f"{name}.tflite", file)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        described[f"v{number}"] = {"file": file.name, "sha256": sha256}
    document = {"name": name, "task": task, "default": "v1", "variants": described, **info}
    (target / "model.json").write_text(json.dumps(document))
    return target
