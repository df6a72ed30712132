"""Keep a daemon at full load and watch what grows: memory, descriptors, processes. Clients check
every answer against their own question; some vanish, some are slow, models are swapped under
them. Exit 0 only if no answer was lost or mixed and nothing grew beyond its bound."""

from __future__ import annotations

import argparse
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from asking import asking
from running import DATA, RunningDaemon, children, running_daemon

from pi_edge import files

WARM_UP = 0.2
GROWTH_MB = 2.0
SLOW_CLIENTS = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, metavar="N", help="how long (60)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="that ask (8)")
    args = parser.parse_args()
    if not 0.1 <= args.minutes <= 24 * 60:
        parser.error("--minutes must be from 0.1 to 1440")
    if not 1 <= args.clients <= 64:
        parser.error("--clients must be from 1 to 64")
    try:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            return _soak(Path(folder), args.minutes * 60, args.clients)
    except KeyboardInterrupt:
        print("soak: stopped", file=sys.stderr)
        return 130


def _soak(folder: Path, seconds: float, clients: int) -> int:
    (folder / "shipped").mkdir()
    for name in ("double", "power"):
        _put(folder / "state", name, name)
    _put(folder / "state", "double", "times")
    flags = ("--models", str(folder / "shipped"), "--queue", "64", "--client-seconds", "5")
    with running_daemon(folder / "state", *flags) as daemon:
        stop = threading.Event()
        beside = [
            threading.Thread(target=work, args=(daemon, stop))
            for work in (_swap, _vanish, _dawdle, _calculate)
        ]
        with (
            asking(daemon.port, "double", {2.0}, clients) as told,
            asking(daemon.port, "times", {2.0, 3.0}, 2) as swapped,
        ):
            for thread in beside:
                thread.start()
            try:
                grown = _watch(daemon, seconds, lambda: told.asked + swapped.asked)
            finally:
                stop.set()
                for thread in beside:
                    thread.join(60)
        answers = told.answers.total() + swapped.answers.total()
        wrong = told.wrong + swapped.wrong
        print(
            f"{answers} answered, {told.refused + swapped.refused} told to come again, {len(wrong)}"
            f" lost or mixed; {', '.join(f'{n} {g:+.2f}' for n, g in grown.items())} after warm-up"
        )
        for line in wrong[:10]:
            print(f"soak: {line}", file=sys.stderr)
        status = daemon.stop()
    bounds = {"MB": GROWTH_MB, "descriptors": 8.0, "processes": 1.0}
    beyond = [name for name, bound in bounds.items() if grown[name] > bound]
    for name in beyond:
        print(f"soak: {name} grew beyond {bounds[name]:g}", file=sys.stderr)
    return 1 if wrong or beyond or status else 0


def _watch(daemon: RunningDaemon, seconds: float, asked: Callable[[], int]) -> dict[str, float]:
    """How much more there is at the end than after the warm-up: medians of five readings."""
    begin = time.monotonic()
    readings: list[dict[str, float]] = []
    while (passed := time.monotonic() - begin) < seconds:
        time.sleep(min(5.0, seconds / 40))
        if passed >= seconds * WARM_UP:
            readings.append(_sizes(daemon.process.pid))
            shown = ", ".join(f"{value:.1f} {name}" for name, value in readings[-1].items())
            if len(readings) % 6 == 1:
                print(f"{passed:6.0f} s  {shown}, {asked()} asked", flush=True)
    return {
        name: _middle([r[name] for r in readings[-5:]]) - _middle([r[name] for r in readings[:5]])
        for name in readings[0]
    }


def _sizes(pid: int) -> dict[str, float]:
    family = _family(pid)
    return {
        "MB": sum(map(_own_memory, family)) / 1e6,
        "descriptors": float(len(list(Path(f"/proc/{pid}/fd").iterdir()))),
        "processes": float(len(family)),
    }


def _family(pid: int) -> list[int]:
    return [pid, *(one for child in children(pid) for one in _family(child))]


def _own_memory(pid: int) -> int:
    """Bytes that are of no file: what is shared among these processes divided among them. (Of
    libraries each has the less the more other programs on the machine use them.)"""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith("kB")}
    return 1024 * sum(int(sizes[kind]) for kind in ("Pss_Anon", "Pss_Shmem"))


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _put(state: Path, name: str, rename: str) -> None:
    contents = (DATA / f"{name}.tflite").read_bytes()
    files.write_bytes(state / "models" / f"{rename}.tflite", contents)


def _swap(daemon: RunningDaemon, stop: threading.Event) -> None:
    """Another model takes the place of one that is asked, every two seconds."""
    number = 0
    while not stop.wait(2):
        number += 1
        _put(daemon.state, ("double", "triple")[number % 2], "times")


def _vanish(daemon: RunningDaemon, stop: threading.Event) -> None:
    """Clients break off in the middle of their request, ten a second."""
    rng = random.Random(1)
    request = (
        b"POST /v2/models/double/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n"
    )
    while not stop.wait(0.1):
        with socket.create_connection(("127.0.0.1", daemon.port), 60) as sock:
            sock.sendall(request[: rng.randrange(len(request))])


def _dawdle(daemon: RunningDaemon, stop: threading.Event) -> None:
    """Slow clients send a byte a second, and come again when they are sent away."""
    sockets: list[socket.socket] = []
    while not stop.wait(1):
        while len(sockets) < SLOW_CLIENTS:
            sockets.append(socket.create_connection(("127.0.0.1", daemon.port), 60))
        for sock in list(sockets):
            try:
                sock.sendall(b"G")
            except OSError:
                sockets.remove(sock)
                sock.close()
    for sock in sockets:
        sock.close()


def _calculate(daemon: RunningDaemon, stop: threading.Event) -> None:
    """A heavy model computes again and again."""
    n = 200
    row = {"name": "x", "shape": [n, n], "datatype": "FP32", "data": [0.001] * (n * n)}
    while not stop.wait(0.2):
        daemon.send("POST", "/v2/models/power/infer", {"inputs": [row]})


if __name__ == "__main__":
    sys.exit(main())
