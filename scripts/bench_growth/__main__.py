"""Measure how cost grows: with the models in the folder, the rows of a request, the pixels of a
photo, the connections, and the processes that run one model."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench_ending import exit_status
from bench_serving import load

from bench_growth import measures, plot
from bench_growth.series import Series, exponent
from pi_edge import config
from pi_edge.benchmark import machine
from pi_edge.benchmark.table import number, table
from pi_edge.files import write_bytes

WHAT: dict[str, Callable[[measures.Place], Series | list[Series]]] = {
    "models": measures.models,
    "rows": measures.batch,
    "photos": measures.pictures,
    "connections": measures.connections,
    "workers": measures.workers,
}


def main() -> int:
    """0 when all was measured, 1 and one line when something is missing."""
    parser = argparse.ArgumentParser(prog="scripts/bench-growth", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"some of {', '.join(WHAT)} (all)")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw it, as PNG (needs matplotlib)"
    )
    args = parser.parse_args()
    for what in args.what:
        if what not in WHAT:
            parser.error(f"there is no growth of {what}: there are {', '.join(WHAT)}")
    found: list[Series] = []
    load.check_wrk()
    with tempfile.TemporaryDirectory(prefix="bench-growth-") as folder:
        place = measures.Place(config.shipped_models(), Path(folder), _say)
        for what in args.what or WHAT:
            measured = WHAT[what](place)
            found += measured if isinstance(measured, list) else [measured]
    about = machine.describe()
    day = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    heading = f"{about['board'] or about['cpu']}, {about['cores']} cores, {day}"
    print(f"{heading}\n\n" + "\n\n".join(map(_text, found)))
    if args.plot:
        write_bytes(args.plot, plot.picture(found, heading))
    return 0


def _text(series: Series) -> str:
    """A line a cost; the last column is k where it grows as size to the k, at the large end."""
    headers = [
        (series.title, "note"),
        *(("", f"{size:g}") for size in series.sizes),
        ("grows", "k"),
    ]
    lines = [
        [
            f"{curve.name}, {curve.unit}",
            *(number(value) for value in curve.values),
            f"{exponent(series.sizes, curve.values):.2f}",
        ]
        for curve in series.curves
    ]
    return table([(a, "" if b == "note" else b) for a, b in headers], lines)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(exit_status("bench-growth", main))
