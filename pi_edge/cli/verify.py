"""Measure a model again on this machine and compare with its model.json. Writes nothing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pi_edge import catalog, config
from pi_edge.desktop import families, flags
from pi_edge.quiet import quiet

EXAMPLES = """\
pi-edge verify mnist
pi-edge verify mnist-cnn --data mnist.npz
pi-edge verify fire-theft
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", metavar="NAME", help=families.WHAT)
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of shipped models")
    parser.add_argument("--state", type=Path, metavar="DIR", help="folder of your own models")
    flags.add(parser, families.flags("verify"))


def run(args: argparse.Namespace) -> int:
    settings = config.load({"models": args.models, "state": args.state})
    folders = catalog.folders(settings.models, settings.state, alone=args.models is not None)
    family, names = families.resolve(args.family, [settings.state, *folders])
    given = flags.given(args, family, families.flags("verify"))
    problems: list[str] = []
    for name in names:
        if folder := catalog.folder(name, *folders):
            with quiet():  # the runtime greets whoever loads the first model
                problems += families.step(family, "verify")(folder, **given)
        else:
            problems.append(f"{name} is in none of {', '.join(map(str, folders))}")
    for problem in problems:
        print(f"pi-edge: {problem}", file=sys.stderr)
    return 1 if problems else 0
