"""Train a model family, or one model, on a desktop; goes on where it was interrupted."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from pi_edge import config
from pi_edge.desktop import families
from pi_edge.errors import BadInput


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", metavar="FAMILY", help=families.WHAT)
    parser.add_argument("--data", type=Path, metavar="PATH", help="the data file, or its folder")
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="where checkpoints and results are kept"
    )
    parser.add_argument("--seed", type=int, default=0, help="decides every random draw (0)")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's own")
    parser.add_argument("--fresh", action="store_true", help="forget an earlier training")


def run(args: argparse.Namespace) -> int:
    if args.epochs is not None and args.epochs < 1:
        raise BadInput("--epochs must be at least 1")
    if args.seed < 0:
        raise BadInput("--seed must not be negative")
    state = config.load({"state": args.state}).state
    chosen = families.models(args.family)
    if len(chosen) > 1:
        return _one_by_one([name for _, name in chosen], args, state)
    ((package, name),) = chosen
    families.tensorflow_step(package, "train")(
        name,
        state=state,
        given=args.data,
        seed=args.seed,
        epochs=args.epochs,
        fresh=args.fresh,
    )
    return 0


def _one_by_one(names: list[str], args: argparse.Namespace, state: Path) -> int:
    """Train each model in a process of its own, so that each peak of memory is its own."""
    families.need_tensorflow("train")
    flags = ["--state", str(state), "--seed", str(args.seed)]
    flags += ["--data", str(args.data)] if args.data else []
    flags += ["--epochs", str(args.epochs)] if args.epochs else []
    flags += ["--fresh"] if args.fresh else []
    for name in names:
        code = subprocess.call([sys.executable, "-m", "pi_edge", "train", name, *flags])
        if code:
            return code
    return 0
