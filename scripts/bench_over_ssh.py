"""Run the same models, files, inputs and settings here and on hosts that scripts/deploy installed
pi-edge on, in turn, and print one table a host: accuracy, latency, how many times slower, memory,
whether the answers are the same, and what it took to train the digit networks."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from bench_ending import exit_status

from pi_edge import catalog, config
from pi_edge.benchmark import machine, over_ssh, over_ssh_table, session, subject, training
from pi_edge.benchmark.digit_images import DigitImages, choose
from pi_edge.cli.bench import check_writable
from pi_edge.desktop.mnist.download import find_or_download
from pi_edge.errors import PiEdgeError
from pi_edge.learning import mnist as data

MOST_IMAGES = 10_000


def main() -> int:
    """0 when every host gave the same answers, 1 when one failed or did not, 2 for wrong usage."""
    args = _arguments()
    return _compare(args)


def _compare(args: argparse.Namespace) -> int:
    settings = config.load({"models": args.models_folder, "state": args.state})
    if args.json:
        check_writable(args.json)
    entries, problems = catalog.find(settings.models, catalog.owned_models(settings.state))
    for problem in problems.values():
        _say(f"left out: {problem}")
    chosen = subject.choose(entries, args.models, args.variant)
    names = sorted({one.model for one in chosen})
    images = _images(args.images) if any(one.task == "digits" for one in chosen) else None
    cores, load = machine.usable_cores(), os.getloadavg()[0]
    if load > cores:
        _say(f"this machine is busy (load {load:.1f} on {cores} cores): its times will show it")
    if len(args.host) > 1:
        _say("one host after the other: this machine would slow itself down measuring two at once")
    plan = over_ssh.Plan(chosen, args.threads, args.rounds, images)
    found = over_ssh.run(plan, args.host, args.python)
    if args.json:
        over_ssh.write(args.json, found)
    trained = training.to_text(training.collect(entries[name] for name in names))
    print("\n\n\n".join(filter(None, [over_ssh_table.to_text(found), trained])))
    if found["stopped"]:
        _say("stopped")
        return 130
    failures = over_ssh_table.problems(found)
    for line in failures:
        _say(line)
    return int(bool(problems or failures))


def _images(count: int) -> DigitImages | None:
    """The test images; None, and a line, where there are none."""
    try:
        npz = find_or_download()
        return choose(data.read(npz, "x_test"), data.read(npz, "y_test"), count)
    except PiEdgeError as error:
        _say(f"no accuracy: {error}")
        return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench-over-ssh", description=__doc__)
    parser.add_argument("host", nargs="+", help="as ssh knows it: NAME, USER@NAME or ssh://...")
    parser.add_argument(
        "--models", type=_names, default=[], metavar="NAME,...", help="which models (all)"
    )
    parser.add_argument("--variant", default="", help="only this variant: float32, int8, ...")
    parser.add_argument(
        "--threads", type=_number(1, 256), default=1, metavar="N", help="for one inference (1)"
    )
    parser.add_argument(
        "--rounds",
        type=_number(1, 1000),
        metavar="N",
        help=f"here and there in turn ({over_ssh.ROUNDS}; 1 where the host is emulated)",
    )
    parser.add_argument(
        "--images",
        type=_number(1, MOST_IMAGES),
        default=1000,
        metavar="N",
        help="MNIST test images for the accuracy (1000)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    parser.add_argument(
        "--python",
        default=session.PYTHON_THERE,
        metavar="PATH",
        help="the release's interpreter there (%(default)s)",
    )
    parser.add_argument("--models-folder", metavar="DIR", help="instead of the shipped one")
    parser.add_argument("--state", metavar="DIR", help="folder with your own models")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _number(low: int, high: int) -> Any:
    def convert(text: str) -> int:
        if not (text.isdigit() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
        return int(text)

    return convert


def _say(text: str) -> None:
    print(f"bench-over-ssh: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(exit_status("bench-over-ssh", main))
