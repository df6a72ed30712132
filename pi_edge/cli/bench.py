"""Measure the models on this machine: latency, throughput, load time, memory. Each model is
measured in a process of its own, warmed up until stable. pi-edge bench report shows what was
measured, pi-edge bench history follows it over releases."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from pi_edge import catalog, config
from pi_edge.benchmark import compare, machine, report, suite
from pi_edge.benchmark.progress import Progress
from pi_edge.benchmark.table import number
from pi_edge.errors import BadInput

EXAMPLES = """\
pi-edge bench                                          # every model and variant
pi-edge bench mnist-cnn --variant int8 --threads 1,2,4
pi-edge bench mnist-mlp --json laptop.json
pi-edge bench mnist-mlp --compare pi.json              # beside another machine's
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="*", help="which models (default: all)")
    parser.add_argument("--variant", default="", help="only this variant: float32, int8, ...")
    parser.add_argument(
        "--threads",
        type=_thread_counts,
        metavar="N,N,...",
        help="numbers of threads (default: 1, 2, 4, ... to this machine's cores)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", help="another machine's --json file to set beside"
    )
    parser.add_argument("--models", metavar="DIR", help="models folder instead of the shipped one")
    parser.add_argument("--state", metavar="DIR", help="folder with the owner's own models")


def run(args: argparse.Namespace) -> int:
    """0 when every model worked, 1 when one did not."""
    settings = config.load({"models": args.models, "state": args.state})
    # What can be refused is refused before the minutes of measuring.
    other = report.read(args.compare) if args.compare else None
    if args.json:
        check_writable(args.json)
    entries, problems = catalog.find(settings.models, catalog.owned_models(settings.state))
    for problem in problems.values():
        print(f"pi-edge: left out: {problem}", file=sys.stderr)
    threads = args.threads or suite.default_threads(machine.usable_cores())
    todo = suite.jobs(entries, args.model, args.variant, threads)
    with Progress(len(todo)) as progress:

        def begin(job: suite.Job) -> None:
            progress.next(f"{job.model} {job.variant}, {_threads(job.threads)}")

        def done(row: dict[str, Any]) -> None:
            progress.say(_line(row))

        figures = suite.run(todo, begin=begin, done=done)
    if args.json:
        report.write(args.json, figures)
    print(report.to_text(figures))
    if other:
        print("\n" + compare.to_text(figures, other))
    return int(bool(problems) or any(row["error"] is not None for row in figures["rows"]))


def _thread_counts(text: str) -> list[int]:
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = []
    if not counts or not all(1 <= n <= 256 for n in counts):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a list of thread counts from 1 to 256 such as 1,2,4"
        )
    return list(dict.fromkeys(counts))


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before the minutes of measuring."""
    folder = path.absolute().parent
    if path.is_dir():
        raise BadInput(f"--json {path} is a folder: name a file")
    if not folder.is_dir():
        raise BadInput(f"--json {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise BadInput(f"--json {path}: the folder {folder} is not writable")


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _line(row: dict[str, Any]) -> str:
    figures = (
        f"p50 {number(row['p50_ms'])} ms, {number(row['throughput'])} runs/s"
        if row["error"] is None
        else ""
    )
    told = "; ".join(filter(None, [figures, *report.row_notes(row)]))
    return f"{row['model']} {row['variant']}, {_threads(row['threads'])}: {told}"
