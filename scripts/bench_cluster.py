"""How long a batch of photos takes without a cluster and on one of 1, 2, 3 workers, in turn.

Scheduler, workers and the command that hands out the photos all run on this machine: beyond its
cores there is nothing to be won. Every worker, and the command without a cluster, styles with one
thread. The photos are made up; a batch of tiny ones shows what a photo costs beside its styling."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from bench_ending import exit_status
from bench_serving.peers import PI_EDGE
from clusters import running_cluster
from PIL import Image

from pi_edge.benchmark import machine
from pi_edge.benchmark.table import number, table
from pi_edge.errors import PiEdgeError

COLUMNS = (
    ("", "how"),
    ("batch", "s"),
    ("min", "s"),
    ("max", "s"),
    ("first", "s"),
    ("then", "photos/s"),
    ("to none", "ratio"),
    ("processor", "s/photo"),
    ("command", "MB"),
    ("scheduler", "MB"),
    ("a worker", "MB"),
)


@dataclass(frozen=True)
class Run:
    """One batch.

    Attributes:
        seconds: that the command took.
        first: seconds until its first picture.
        pace: pictures a second from then on.
        processor: seconds of processor time of all its processes.
        command, scheduler, worker: the most megabytes that each had; 0 where there was none.
    """

    seconds: float
    first: float
    pace: float
    processor: float
    command: float
    scheduler: float = 0.0
    worker: float = 0.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench-cluster", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how many (3)")
    parser.add_argument("--workers", default="1,2,3", metavar="N,...", help="how many (1,2,3)")
    parser.add_argument("--photos", type=int, default=24, metavar="N", help="in a batch (24)")
    parser.add_argument(
        "--size", default="1024x768", metavar="WxH", help="of a photo in pixels (1024x768)"
    )
    args = parser.parse_args()
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", args.size):
        parser.error("--size is WIDTHxHEIGHT, as in 1024x768")
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", args.workers):
        parser.error("--workers are numbers, as in 1,2,3")
    if args.rounds < 1 or args.photos < 2:
        parser.error("--rounds must be 1 or more, --photos 2")
    counts = [0, *map(int, args.workers.split(","))]
    with tempfile.TemporaryDirectory(prefix="bench-cluster-") as made:
        folder = Path(made)
        _photos(folder / "in", args.photos, args.size)
        found: dict[int, list[Run]] = {count: [] for count in counts}
        for round_ in range(args.rounds):
            for count in counts:
                print(f"round {round_ + 1} of {args.rounds}, workers: {count}", file=sys.stderr)
                found[count].append(_run(folder, f"{round_}-{count}", count))
    about = machine.describe()
    print(f"{about['board'] or about['cpu']}, {about['cores']} cores, Python {about['python']};")
    print(f"{args.photos} photos of {args.size}, medians of {args.rounds} rounds\n")
    none = median(run.pace for run in found[0])
    print(table(COLUMNS, [_row(count, runs, args.photos, none) for count, runs in found.items()]))
    return 0


def _row(count: int, runs: list[Run], photos: int, none: float) -> list[str]:
    times = [run.seconds for run in runs]
    pace = median(run.pace for run in runs)
    memory = (
        max(getattr(run, name) for run in runs) for name in ("command", "scheduler", "worker")
    )
    return [
        f"{count} worker{'s' * (count > 1)}" if count else "no cluster, one thread",
        *(number(value) for value in (median(times), min(times), max(times))),
        number(median(run.first for run in runs)),
        number(pace),
        f"{number(pace / none)}x",
        number(median(run.processor for run in runs) / photos),
        *(f"{value:.0f}" if value else "" for value in memory),
    ]


def _run(folder: Path, name: str, count: int) -> Run:
    """One batch by so many workers, which are there and have the model open."""
    out = folder / f"out-{name}"
    command = [PI_EDGE, "stylize", str(folder / "in"), "-o", str(out), "--style=udnie"]
    command += ["--threads=1"]
    cluster = running_cluster(folder / f"cluster-{name}", count) if count else nullcontext()
    with cluster as running:
        others: list[int] = []
        if running:
            command += ["--cluster", running.url]
            others = [process.pid for process in (running.scheduler, *running.workers)]
            _batch([*command, "--preview"], others)  # the first photo of a worker opens the model
        run = _batch(command, others)
        if len([*out.iterdir()]) != len([*(folder / "in").iterdir()]):
            raise PiEdgeError("not every photo was styled")
        most = [_most(pid) for pid in others]
        return replace(run, scheduler=most[0], worker=max(most[1:])) if most else run


def _batch(command: list[str], others: list[int]) -> Run:
    """One batch by this command, with the help of other processes."""
    spent, most = _spent(others), 0.0
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    told, moments = [], []
    for line in process.stderr:  # one a photo
        told.append(line)
        moments.append(time.perf_counter() - began)
        most = max(most, _most(process.pid))
    if process.wait():
        raise PiEdgeError(f"{' '.join(command)} failed: {''.join(told).strip()[-300:]}")
    seconds = time.perf_counter() - began
    pace = (len(moments) - 1) / (moments[-1] - moments[0])
    return Run(seconds, moments[0], pace, _spent(others) - spent, most)


def _spent(pids: list[int]) -> float:
    """Seconds of processor time of these processes, and of all children that have ended."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    times = os.times()
    return ticks / os.sysconf("SC_CLK_TCK") + times.children_user + times.children_system


def _most(pid: int) -> float:
    """The most megabytes of memory that a process has had, 0 where it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        found = re.search(r"VmHWM:\s*(\d+)", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) * 1024 / 1e6 if found else 0.0
    return 0.0


def _photos(folder: Path, count: int, size: str) -> None:
    """Photos of soft blobs and of noise, each another."""
    folder.mkdir()
    width, height = map(int, size.split("x"))
    random = np.random.default_rng(3)
    for each in range(count):
        blobs = Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8))
        pixels = np.asarray(blobs.resize((width, height), Image.Resampling.BICUBIC), np.int16)
        noisy = np.clip(pixels + random.integers(-9, 10, pixels.shape), 0, 255)
        Image.fromarray(noisy.astype(np.uint8)).save(folder / f"{each:04}.jpg", quality=92)


if __name__ == "__main__":
    sys.exit(exit_status("bench-cluster", main))
