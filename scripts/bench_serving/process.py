"""Starting a server, watching it, stopping it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench_serving.dialects import Dialect
from pi_edge.errors import PiEdgeError

START_SECONDS = 60.0
STOP_SECONDS = 20.0
# For children to end that hear of their parent's end.
GRACE_SECONDS = 1.0


@dataclass
class Server:
    """One server, not yet running.

    Args:
        name: what the table calls it.
        dialect: how it is asked.
        command: makes the command from the port to listen on.
        ready: path that answers 200 when the model can be asked.
        folder: where it runs; its log is written there.
        environ: added to the environment.
        disk: folders with all that it needs and nothing else, its model aside; empty where it
            has none of its own.
    """

    name: str
    dialect: Dialect
    command: Callable[[int], Sequence[str]]
    ready: str
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    disk: Sequence[Path] = ()

    def start(self) -> Running:
        """Start it on a free port of the loopback and wait until the model can be asked.

        Raises:
            PiEdgeError: it ended or is not ready in START_SECONDS.
        """
        port = free_port()
        log = self.folder / f"{port}.log"
        told: list[int] = []
        with log.open("wb") as output, _put_off(told):
            began = time.perf_counter()
            process = subprocess.Popen(
                self.command(port),
                cwd=self.folder,
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        running = Running(self, process, port, log)
        try:
            if told:
                raise KeyboardInterrupt
            running.listening_seconds = running.wait(_listens, began)
            running.ready_seconds = running.wait(_is_ready, began)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return running


@contextmanager
def _put_off(told: list[int]) -> Iterator[None]:
    """Note signals to stop in ``told`` instead of obeying: a process half started would be lost."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {n: signal.signal(n, lambda number, frame: told.append(number)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class Running:
    """A server that runs. Times in seconds from the exec of its command."""

    server: Server
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    listening_seconds: float = 0.0
    ready_seconds: float = 0.0

    def wait(self, condition: Callable[[Running], bool], began: float) -> float:
        """Seconds since ``began`` after which the condition held."""
        while not condition(self):
            if self.process.poll() is not None:
                raise PiEdgeError(f"{self.server.name} ended at its start: {self.last_words()}")
            if time.perf_counter() - began > START_SECONDS:
                raise PiEdgeError(f"{self.server.name} is not ready after {START_SECONDS:g} s")
            time.sleep(0.002)
        return time.perf_counter() - began

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit status {self.process.returncode}"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def memory_bytes(self) -> int:
        """Proportional memory (PSS, proc(5)) of the process and all its descendants."""
        return sum(pss_bytes(pid) for pid in family(self.process.pid))

    def cpu_seconds(self) -> float:
        """Processor time that the process and its descendants have used so far."""
        return sum(cpu_seconds(pid) for pid in family(self.process.pid))

    def stop(self) -> tuple[float, str]:
        """Tell it to stop with SIGTERM.

        Returns:
            Seconds until it had ended, and how: "clean", or what was not clean about it.
        """
        children = family(self.process.pid)[1:]
        began = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        how = "clean"
        try:
            code = self.process.wait(STOP_SECONDS)
            if code:
                how = f"exit status {code}"
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            how = "had to be killed"
        took = time.perf_counter() - began
        left = children
        while left and time.perf_counter() - began < took + GRACE_SECONDS:
            left = [pid for pid in left if pss_bytes(pid)]  # else it has ended
            time.sleep(0.01)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return took, "left children behind" if left else how


def free_port() -> int:
    """A TCP port that is free on the loopback now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def family(pid: int) -> list[int]:
    """A process and its descendants, itself first."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may itself hold spaces and parentheses (proc(5)).
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    members = [pid]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def cpu_seconds(pid: int) -> float:
    """Processor time of one process, its own and the kernel's on its behalf."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_bytes(pid: int) -> int:
    """Proportional memory of one process: its own pages, and its share of shared ones."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def disk_bytes(folders: Sequence[Path]) -> int:
    """What the files below these folders take on a disk."""
    return sum(path.lstat().st_blocks * 512 for folder in folders for path in folder.rglob("*"))


def _listens(running: Running) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", running.port)) == 0


def _is_ready(running: Running) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    try:
        connection.request("GET", running.server.ready)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
