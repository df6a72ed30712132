"""How long a person waits for pi-edge to begin: for commands that only ask, and for the daemon
until its models are ready, beside a Python that does nothing, in turn."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench_ending import exit_status
from bench_serving.figures import verdict
from bench_serving.peers import PI_EDGE

from pi_edge import config
from pi_edge.benchmark import machine
from pi_edge.benchmark.table import number, table
from pi_edge.errors import PiEdgeError

PHOTO = Path(__file__).resolve().parents[1] / "docs/pictures/seven.jpg"
# Seconds; whoever has not begun by then does not.
PATIENCE = 120.0

COLUMNS = (
    ("", "program"),
    ("median", "s"),
    ("min", "s"),
    ("max", "s"),
    ("processor", "s"),
    ("python", "is"),
    ("", "goal"),
)


@dataclass(frozen=True)
class Start:
    """Something that is begun, and how long that may take.

    Attributes:
        begin: does it; returns the seconds waited, and those of processor time.
        goal: seconds, None for no goal.
    """

    name: str
    begin: Callable[[], tuple[float, float]]
    goal: float | None = None


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench-start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, metavar="N", help="how many (11)")
    parser.add_argument(
        "--models", type=Path, default=config.shipped_models(), metavar="DIR", help="models folder"
    )
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be 1 or more")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start compiles everything
    with tempfile.TemporaryDirectory(prefix="bench-start-") as folder:
        print(_measured(args.rounds, args.models, Path(folder)))
    return 0


def _measured(rounds: int, models: Path, folder: Path) -> str:
    known, serving = folder / "known", folder / "serving"
    serve = [PI_EDGE, "serve", "--port=0", f"--models={models}", "--led=off"]
    with _daemon([*serve, f"--state={serving}"]) as (url, _):
        starts = [
            Start("python3 -c pass", lambda: _run([sys.executable, "-c", "pass"])),
            Start("pi-edge status", lambda: _run([PI_EDGE, "status", f"--url={url}"]), 0.15),
            Start(
                f"pi-edge predict mnist-cnn {PHOTO.name}",
                lambda: _run([PI_EDGE, "predict", "mnist-cnn", str(PHOTO)]),
                0.4,
            ),
            Start("pi-edge serve, ready", lambda: _ready([*serve, f"--state={known}"]), 0.5),
            Start("the same, models unknown", lambda: _ready_anew(serve)),
        ]
        for start in starts:  # once for caches, and so that models are known
            start.begin()
        found: dict[str, list[tuple[float, float]]] = {start.name: [] for start in starts}
        for number_ in range(rounds):
            print(f"round {number_ + 1} of {rounds}", file=sys.stderr)
            for start in starts:
                found[start.name].append(start.begin())
    nothing = median(seconds for seconds, _ in found[starts[0].name])
    about = machine.describe()
    heading = f"{about['board'] or about['cpu']}, {about['cores']} cores, Python {about['python']}"
    return f"{heading}\n\n{table(COLUMNS, [_row(one, found[one.name], nothing) for one in starts])}"


def _row(start: Start, found: list[tuple[float, float]], nothing: float) -> list[str]:
    times = [seconds for seconds, _ in found]
    middle = median(times)
    goal = ""
    if start.goal is not None:
        goal = f"<= {start.goal:g} s {verdict(middle, start.goal, most=True)}"
    return [
        start.name,
        *(f"{value:.3f}" for value in (middle, min(times), max(times))),
        f"{median(spent for _, spent in found):.3f}",
        f"{number(middle / nothing)}x",
        goal,
    ]


def _run(command: list[str]) -> tuple[float, float]:
    before, began = _spent(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise PiEdgeError(f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    return took, _spent() - before


def _ready(command: list[str]) -> tuple[float, float]:
    """A daemon from its exec until it says that it is ready. (The processor time is of its stop,
    too.)"""
    before = _spent()
    with _daemon(command) as (_, took):
        pass
    return took, _spent() - before


def _ready_anew(command: list[str]) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="bench-start-") as state:
        return _ready([*command, f"--state={state}"])


@contextmanager
def _daemon(command: list[str]) -> Iterator[tuple[str, float]]:
    """Its URL, and the seconds until all models were ready."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        for line in process.stderr:
            if said := re.search(r"ready at (http\S+)", line):
                took = time.perf_counter() - began
                yield said[1], took
                return
        raise PiEdgeError("the daemon ended before it was ready")
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _spent() -> float:
    """Processor seconds of all children that have ended, theirs included."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(exit_status("bench-start", main))
