"""Find out how each model runs fastest on this machine: on how many threads, with which kernels,
and how many requests that wait for each other are computed together. The daemon runs it so from its
next start on. What is not faster for certain is not taken.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from pathlib import Path
from typing import Any

from pi_edge import catalog, config, files, tuning
from pi_edge.benchmark import machine, suite, tune
from pi_edge.benchmark.progress import Progress
from pi_edge.benchmark.table import number, table
from pi_edge.errors import PiEdgeError
from pi_edge.ledger import FILE, Ledger
from pi_edge.tuning import Tuning

COLUMNS = (
    ("", "model"),
    ("", "variant"),
    ("default", "us"),
    ("tuned", "us"),
    ("takes", ""),
    ("a row", "us"),
    ("", "note"),
)


EXAMPLES = """\
pi-edge tune                                     # every model
pi-edge tune mnist-cnn --variant float32
sudo pi-edge tune --state /var/lib/pi-edge       # for the service
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="*", help="which models (default: all)")
    parser.add_argument("--variant", default="", help="only this variant: float32, int8, ...")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--models", metavar="DIR", help="models folder instead of the shipped one")
    parser.add_argument("--state", metavar="DIR", help="folder where what is found is kept")
    parser.add_argument("--threads", metavar="N", help="threads that the daemon is set to use")


def run(args: argparse.Namespace) -> int:
    """0 when every model worked, 1 when one did not."""
    settings = config.load({name: getattr(args, name) for name in ("models", "state", "threads")})
    default = Tuning(settings.threads)
    entries, _ = catalog.find(settings.models, catalog.owned_models(settings.state))
    todo = suite.jobs(entries, args.model, args.variant, [settings.threads])
    ledger = _ledger(settings.state)
    rows = []
    with Progress(len(todo)) as progress:
        for job in todo:
            progress.next(f"{job.model} {job.variant}")
            row = _row(job, default, ledger)
            rows.append(row)
            progress.say(f"{job.model} {job.variant}: {row['error'] or row['best']}")
    ledger.close()
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        print(table(COLUMNS, [_line(row) for row in rows]))
        print("\nThe daemon takes it up at its next start: sudo systemctl restart pi-edge")
    return int(any(row["error"] for row in rows))


def _ledger(state: Path) -> Ledger:
    state.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(state)
    if os.geteuid() == 0:  # with sudo, of a service that has never run: the file shall be its own
        owner = state.stat()
        with contextlib.suppress(FileNotFoundError):
            os.chown(state / FILE, owner.st_uid, owner.st_gid)
    return ledger


def _row(job: suite.Job, default: Tuning, ledger: Ledger) -> dict[str, Any]:
    row: dict[str, Any] = {"model": job.model, "variant": job.variant, "error": None}
    try:
        found = tune.tune(job.file, job.file.parent, default, machine.usable_cores())
    except PiEdgeError as error:
        return row | {"error": str(error)}
    tuning.keep(ledger, files.sha256(job.file), default, found.best)
    return row | {
        "default": str(default),
        "default_us": found.default_us,
        "best": str(found.best),
        "best_us": found.best_us,
        "threads": found.best.threads,
        "xnnpack": found.best.xnnpack,
        "batch": found.best.batch,
        "row_us": found.row_us,
        "ratio": found.ratio,
    }


def _line(row: dict[str, Any]) -> list[str]:
    if row["error"]:
        return [row["model"], row["variant"], "", "", "", "", row["error"]]
    note = f"best on {row['best']}" if row["best"] != row["default"] else "as it is"
    figures = (number(row[key]) for key in ("default_us", "best_us"))
    together = number(row["row_us"]) if row["batch"] > 1 else ""
    return [row["model"], row["variant"], *figures, f"{row['ratio']:.2f}x", together, note]
