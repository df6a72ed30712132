"""Train a model family, or one model, on a desktop; goes on where it was interrupted."""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
from pathlib import Path
from typing import Any

from pi_edge import config, terminal
from pi_edge.desktop import families, flags
from pi_edge.errors import PiEdgeError, WrongUsage

NEEDED = ("tensorflow", "tqdm")


EXAMPLES = """\
pi-edge train mnist                              # all networks for digits
pi-edge train mnist-mlp --epochs 3 --seed 1
pi-edge train stocks --prices my.csv
pi-edge train regression --data house.csv --target price --name house
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", metavar="FAMILY", help=families.WHAT)
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="where checkpoints and results are kept"
    )
    flags.add(parser, families.flags("train"))


def run(args: argparse.Namespace) -> int:
    settings = config.load({"state": args.state})
    folders = [settings.state, settings.models]
    named = families.new_name("train", args.family, getattr(args, "name", None))
    family, names = families.resolve(args.family, folders, named)
    given = flags.given(args, family, families.flags("train"))
    given.pop("name", None)  # the step gets it first, as every family's does
    if args.family == family and "name" in families.flags("train")[family] and not named:
        raise WrongUsage(f"say what the {family} model is to be called: --name NAME")
    train = families.desktop_step(family, "train", *NEEDED)
    if len(names) == 1:
        train(names[0], state=settings.state, **given)
        return 0
    # Each in a process of its own, so that each peak of memory is its own.
    for name in names:
        child = multiprocessing.get_context("spawn").Process(
            target=_train, args=(family, name, settings.state, given, args.quiet)
        )
        child.start()
        child.join()
        if (status := child.exitcode or 0) < 0:
            raise PiEdgeError(
                f"the training of {name} was ended by {signal.Signals(-status).name} (was all"
                " memory taken?): the same command goes on from here"
            )
        if status:
            return status
    return 0


def _train(family: str, name: str, state: Path, given: dict[str, Any], quiet: bool) -> None:
    try:
        with terminal.quiet_if(quiet):
            families.desktop_step(family, "train", *NEEDED)(name, state=state, **given)
    except PiEdgeError as error:
        sys.exit(f"pi-edge: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
