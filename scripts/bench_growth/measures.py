"""The growths that are measured. Each takes what it needs from a Place and returns a Series."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from bench_serving.dialects import open_inference
from bench_serving.load import Request, put
from bench_serving.peers import PI_EDGE, only
from bench_serving.process import Running, Server
from bench_style import command

from bench_growth.series import Curve, Series
from pi_edge.errors import PiEdgeError

MODELS = (1, 10, 100)
BATCHES = (1, 4, 16, 64, 256)
MEGAPIXELS = (1, 4, 12, 25, 50, 100)
DIGIT_MEGAPIXELS = (1, 4, 12, 25, 50)
CONNECTIONS = (1, 10, 100, 1000)
WORKERS = (1, 2, 4)

LITTLE, LARGER = "mnist-mlp", "mnist-cnn"
# Seconds in which an idle daemon is watched, and a load lasts.
SETTLING_SECONDS, IDLE_SECONDS, LOAD_SECONDS = 3.0, 10.0, 2
ROUNDS = 3
REQUESTS = 50


@dataclass(frozen=True)
class Place:
    """Where it is measured: the shipped models, a folder for files, who is told."""

    models: Path
    folder: Path
    say: Callable[[str], None]

    @contextmanager
    def daemon(self, models: Path, *flags: str, cores: int = 0) -> Iterator[Running]:
        """A daemon that knows its models: its second start. On so many cores, 0 for all."""
        state = self.folder / f"state-{models.name}"
        pinned = ["taskset", "-c", ",".join(map(str, range(cores)))] if cores else []

        def start(port: int) -> list[str]:
            own = [f"--port={port}", f"--models={models}", f"--state={state}", "--led=off"]
            return [*pinned, PI_EDGE, "serve", *own, *flags]

        dialect = open_inference(LITTLE, binary=True)
        server = Server("pi-edge", dialect, start, "/v2/health/ready", self.folder)
        server.start().stop()
        running = server.start()
        try:
            yield running
        finally:
            running.stop()

    def alone(self, model: str) -> Path:
        """A models folder with nothing but the float32 variant of a model."""
        models = self.folder / f"only-{model}"
        if not models.exists():
            only(self.models / model, self.models / model / "float32.tflite", models)
        return models


def models(place: Place) -> Series:
    """Start, memory and idle processor time with 1, 10, 100 models."""
    ready, memory, idle = [], [], []
    for count in MODELS:
        place.say(f"{count} models")
        folder = place.folder / f"models-{count}"
        for i in range(count):
            _copy(place.alone(LITTLE) / LITTLE, folder / f"m{i:03}")
        with place.daemon(folder) as running:
            ready.append(running.ready_seconds)
            memory.append(running.memory_bytes() / 1e6)
            time.sleep(SETTLING_SECONDS)
            before = running.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            spent = running.cpu_seconds() - before
            idle.append(max(spent, 0.01) / IDLE_SECONDS * 100)
    return Series(
        "models in the folder",
        "models",
        MODELS,
        [
            Curve("start", "s", ready),
            Curve("memory", "MB", memory),
            Curve("idle", "% of a core", idle),
        ],
    )


def batch(place: Place) -> Series:
    """A request with 1 to 256 rows."""
    curves = []
    for model in (LITTLE, LARGER):
        place.say(f"rows for {model}")
        with place.daemon(place.alone(model)) as running:
            times = []
            for rows in BATCHES:
                headers, body = _binary(model, rows)
                times.append(_answered(running, f"/v2/models/{model}/infer", headers, body))
        curves.append(Curve(model, "ms", times))
    return Series("rows in one request", "rows", BATCHES, curves)


def pictures(place: Place) -> list[Series]:
    """Styling a photo, and reading the digit in one: whole commands."""
    found = []
    for title, sizes, arguments in (
        ("a photo styled", MEGAPIXELS, ["stylize", "IN", "-o", "OUT", "--style", "udnie"]),
        ("a photo of a digit", DIGIT_MEGAPIXELS, ["predict", LARGER, "IN"]),
    ):
        seconds, peaks = [], []
        for size in sizes:
            place.say(f"{title}, {size} megapixels")
            names = {"IN": _photo(place, size, digit="predict" in arguments)}
            names["OUT"] = place.folder / "styled.jpg"
            words = [PI_EDGE, *(str(names.get(word, word)) for word in arguments)]
            run = command.run(words, place.folder / "log")
            seconds.append(run.wall)
            peaks.append(run.peak / 1e6)
        curves = [Curve("time", "s", seconds), Curve("peak memory", "MB", peaks)]
        found.append(Series(title, "megapixels", sizes, curves))
    return found


def connections(place: Place) -> Series:
    """The same requests over 1 to 1,000 connections."""
    rates, slowest, memory = [], [], []
    with place.daemon(place.alone(LITTLE), "--max-connections=1100", "--queue=1100") as running:
        request = _request(place, LITTLE)
        for count in CONNECTIONS:
            place.say(f"{count} connections")
            loads = [
                put(running.url(f"/v2/models/{LITTLE}/infer"), request, count, LOAD_SECONDS)
                for _ in range(ROUNDS)
            ]
            rates.append(median(load.rate for load in loads))
            slowest.append(median(load.p99_ms for load in loads))
            memory.append(running.memory_bytes() / 1e6)
    return Series(
        "connections",
        "connections",
        CONNECTIONS,
        [
            Curve("requests", "a second", rates),
            Curve("p99", "ms", slowest),
            Curve("memory", "MB", memory),
        ],
    )


def workers(place: Place) -> list[Series]:
    """Requests a second and memory by the number of processes that run one model, on one core and
    on all."""
    found = []
    everything = len(os.sched_getaffinity(0))
    for cores in sorted({1, everything}):
        rates, memory = [], []
        for count in WORKERS:
            place.say(f"{count} workers on {cores} cores")
            with place.daemon(
                place.alone(LARGER), f"--workers={count}", cores=cores % everything
            ) as running:
                _wait_for_workers(running, count)
                request = _request(place, LARGER)
                url = running.url(f"/v2/models/{LARGER}/infer")
                rates.append(
                    median(put(url, request, 16, LOAD_SECONDS).rate for _ in range(ROUNDS))
                )
                memory.append(running.memory_bytes() / 1e6)
        title = f"workers of {LARGER}, {cores} core{'s' * (cores > 1)}"
        curves = [Curve("requests", "a second", rates), Curve("memory", "MB", memory)]
        found.append(Series(title, "workers", WORKERS, curves))
    return found


def _copy(model: Path, there: Path) -> None:
    """A model under another name."""
    shutil.copytree(model, there)
    told = json.loads((model / "model.json").read_text())
    (there / "model.json").write_text(json.dumps({**told, "name": there.name}))


def _request(place: Place, model: str) -> Request:
    headers, body = _binary(model, 1)
    path = place.folder / "body"
    path.write_bytes(body)
    return Request(path, headers)


def _binary(model: str, rows: int) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of a request with so many blank images."""
    binary = open_inference(model, binary=True).binary
    assert binary
    return binary("image", np.zeros((rows, 28, 28), np.float32))


def _answered(running: Running, path: str, headers: Mapping[str, str], body: bytes) -> float:
    """Milliseconds until one answer, the median of many on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    times = []
    try:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            told = answer.read()
            times.append((time.perf_counter() - began) * 1e3)
            if answer.status != 200:
                raise PiEdgeError(f"{path} answers {answer.status}: {told[:200]!r}")
    finally:
        connection.close()
    return median(times)


def _photo(place: Place, megapixels: int, digit: bool) -> Path:
    """A photo of 4 to 3, of clouds or of a digit; made in another process, since a command that is
    measured begins with the peak memory of who starts it."""
    path = place.folder / f"{'digit' if digit else 'photo'}-{megapixels}.jpg"
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    size = f"{width}x{int(megapixels * 1e6 / width)}"
    source = [str(_DIGIT)] if digit else []
    made = [sys.executable, "-m", "bench_style.photos", size, str(path), *source]
    command.run(made, place.folder / "log")
    return path


def _wait_for_workers(running: Running, count: int) -> None:
    """Until all of a variant's workers have loaded it."""
    deadline = time.monotonic() + 60
    while _workers(running) < count:
        if time.monotonic() > deadline:
            raise PiEdgeError("the workers do not start")
        time.sleep(0.05)


def _workers(running: Running) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    try:
        connection.request("GET", "/metrics")
        lines: Sequence[str] = connection.getresponse().read().decode().splitlines()
    finally:
        connection.close()
    told = [line for line in lines if line.startswith('pi_edge_processes{process="models"}')]
    return int(float(told[0].split()[-1])) if told else 0


_DIGIT = Path(__file__).resolve().parents[2] / "docs/pictures/seven.jpg"
