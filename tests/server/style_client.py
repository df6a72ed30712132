"""A daemon with the tiny style model, and clients that stop half-way."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import running
from PIL import Image
from running import DATA, PATIENCE, Answer, RunningDaemon, running_daemon, wait_until

PATH = "/tasks/style?style=scream"


@contextlib.contextmanager
def style_daemon(
    folder: Path, shipped: Path, *flags: str, command: tuple[str, ...] = ()
) -> Iterator[RunningDaemon]:
    """A daemon that has the tiny style model and one of digits."""
    models = folder / "shipped"
    shutil.copytree(DATA / "style", models / "style")
    shutil.copytree(shipped / "mnist-mlp", models / "mnist-mlp")
    with running_daemon(folder, "--models", str(models), *flags, command=command) as daemon:
        yield daemon


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """A picture file of pixels uint8 [h, w, 3]."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def waves(height: int, width: int) -> np.ndarray:
    """A smooth picture, uint8 [h, w, 3]."""
    y, x = np.mgrid[:height, :width] / 30
    waves = 128 + 120 * np.stack([np.sin(x + y), np.cos(x), np.sin(y - x)], 2)
    return waves.astype(np.uint8)


def noise_png() -> bytes:
    """A photo that styled with strength 0 is more than all buffers between daemon and client
    take: 15 MB."""
    pixels = np.random.default_rng(0).integers(0, 256, (2000, 2500, 3), np.uint8)
    return encoded(pixels, compress_level=1)


class Client:
    """One request on one connection, sent and read in pieces."""

    def __init__(self, daemon: RunningDaemon, path: str, body: bytes) -> None:
        self.body = body
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE)
        self.connection.connect()
        # Else the systems would take megabytes that nobody has asked for.
        self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.connection.putrequest("POST", path)
        self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body[:100])

    def send_rest(self) -> None:
        self.connection.send(self.body[100:])

    def response(self) -> http.client.HTTPResponse:
        return self.connection.getresponse()

    def finish(self) -> Answer:
        """Send the rest and read the whole answer."""
        self.send_rest()
        response = self.response()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())

    def leave(self) -> None:
        self.connection.close()


def counts(daemon: RunningDaemon) -> tuple[int, int]:
    """How many photos are being styled, and how many wait."""
    text = daemon.send("GET", "/metrics").body.decode()
    found = dict(re.findall(r'^pi_edge_styling{state="(\w+)"} (\d)', text, re.MULTILINE))
    return int(found["running"]), int(found["waiting"])


def wait_for(daemon: RunningDaemon, running: int, waiting: int) -> None:
    """Until so many are styled, and wait."""
    wait_until(lambda: counts(daemon) == (running, waiting))


def children(daemon: RunningDaemon) -> list[int]:
    """The daemon's child processes but for the one that models are forked from."""
    pids = running.children(daemon.process.pid)
    return [pid for pid in pids if _called(pid) != "zygote"]


def _called(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
