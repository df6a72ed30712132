"""Measure how many requests a second pi-edge serve answers for a small model, and how much
memory and time its life takes; with --peers beside other servers, in turn, in the same minutes.
wrk is the client. Every server first has to give the right answer."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench_ending import exit_status

from bench_serving import comparison, load, peers, show
from pi_edge import config
from pi_edge.files import write_json


def main() -> int:
    """0 when everything was measured, 1 and one line when something is missing."""
    parser = argparse.ArgumentParser(prog="scripts/bench-serving", description=__doc__)
    parser.add_argument(
        "--peers",
        default="",
        metavar="NAME,...",
        help="beside which others: mlserver, bentoml, litserve; h11, granian (this app behind"
        " another web server)",
    )
    parser.add_argument(
        "--seconds", type=int, default=2, metavar="N", help="length of each load (2)"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how many rounds (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument(
        "--models", type=Path, default=config.shipped_models(), metavar="DIR", help="models folder"
    )
    parser.add_argument("--model", default="mnist-mlp", help="which of them (mnist-mlp)")
    args = parser.parse_args()
    names = [name for name in args.peers.split(",") if name]
    for name in names:
        if name not in peers.PEERS:
            parser.error(f"--peers knows {', '.join(peers.PEERS)}, not {name!r}")
    if not 1 <= args.seconds <= 60:  # wrk knows whole seconds only
        parser.error("--seconds must be from 1 to 60")
    if not 1 <= args.rounds <= 50:
        parser.error("--rounds must be from 1 to 50")
    load.check_wrk()
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as folder:
        plan = comparison.Plan(
            args.models, args.model, names, args.seconds, args.rounds, Path(folder), _say
        )
        report = comparison.run(plan)
    if args.json:
        write_json(args.json, report)
    print(show.to_text(report))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(exit_status("bench-serving", main))
