"""How long a batch of photos takes without a cluster and on one of 1, 2, 3 workers, in turn.

Scheduler, workers and the command that hands out the photos all run on this machine: beyond its
cores there is nothing to be won. Every worker, and the command without a cluster, styles with one
thread. The photos are made up; a batch of tiny ones shows what a photo costs beside its styling."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from bench_ending import exit_status
from bench_serving.peers import PI_EDGE
from clusters import running_cluster
from PIL import Image
from running import children

from pi_edge.benchmark import machine
from pi_edge.benchmark.table import number, table
from pi_edge.errors import PiEdgeError

COLUMNS = (
    ("", "how"),
    ("batch", "s"),
    ("photos", "/s"),
    ("to none", "ratio"),
    ("min", "s"),
    ("max", "s"),
    ("command", "MB"),
    ("scheduler", "MB"),
    ("a worker", "MB"),
)


@dataclass(frozen=True)
class Run:
    """Seconds of a batch; the most megabytes that each process had, 0 where there was none."""

    seconds: float
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
    if args.rounds < 1 or args.photos < 1:
        parser.error("--rounds and --photos must be 1 or more")
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
    none = median(run.seconds for run in found[0])
    print(table(COLUMNS, [_row(count, runs, args.photos, none) for count, runs in found.items()]))
    return 0


def _row(count: int, runs: list[Run], photos: int, none: float) -> list[str]:
    times = [run.seconds for run in runs]
    middle = median(times)
    memory = (
        max(getattr(run, name) for run in runs) for name in ("command", "scheduler", "worker")
    )
    return [
        f"{count} worker{'s' * (count > 1)}" if count else "no cluster, one thread",
        *(number(value) for value in (middle, photos / middle)),
        f"{number(none / middle)}x",
        *(number(value) for value in (min(times), max(times))),
        *(f"{value:.0f}" if value else "" for value in memory),
    ]


def _run(folder: Path, name: str, count: int) -> Run:
    """One batch by so many workers, which are there and have the model open."""
    out = folder / f"out-{name}"
    command = [PI_EDGE, "stylize", str(folder / "in"), "-o", str(out), "--style=udnie"]
    command += ["--threads=1"]
    cluster = running_cluster(folder / f"cluster-{name}", count) if count else nullcontext()
    with cluster as running:
        if running:
            command += ["--cluster", running.url]
            _batch([*command, "--preview"])  # the first photo of a worker opens the model
        seconds, megabytes = _batch(command)
        if len([*out.iterdir()]) != len([*(folder / "in").iterdir()]):
            raise PiEdgeError("not every photo was styled")
        if not running:
            return Run(seconds, megabytes)
        workers = max(_most(worker.pid) for worker in running.workers)
        return Run(seconds, megabytes, _most(running.scheduler.pid), workers)


def _batch(command: list[str]) -> tuple[float, float]:
    """Seconds that a batch took, and the most megabytes its command had."""
    began, most = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    told = []
    for line in process.stderr:  # one a photo
        told.append(line)
        most = max(most, _most(process.pid))
    if process.wait():
        raise PiEdgeError(f"{' '.join(command)} failed: {''.join(told).strip()[-300:]}")
    return time.perf_counter() - began, most


def _most(pid: int) -> float:
    """Megabytes of memory that a process had at most, its children's beside it."""
    found = []
    for one in (pid, *children(pid)):
        status = Path(f"/proc/{one}/status").read_text()
        found.append(int(re.search(r"VmHWM:\s*(\d+)", status)[1]) * 1024 / 1e6)  # type: ignore[index]
    return max(found)


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
