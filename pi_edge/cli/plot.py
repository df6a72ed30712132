"""Draw what a model learned, beside what came, into a PNG or SVG file."""

from __future__ import annotations

import argparse
from pathlib import Path

from pi_edge import catalog, config
from pi_edge.desktop import families, flags
from pi_edge.errors import NotFound, WrongUsage
from pi_edge.quiet import quiet

ENDINGS = (".png", ".svg")


EXAMPLES = """\
pi-edge plot stocks -o stocks.png
pi-edge plot regression -o house.svg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    drawn = ", ".join(families.flags("plot"))
    parser.add_argument("family", metavar="FAMILY", help=f"what to draw: {drawn}")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", required=True, help="a .png or .svg file"
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of shipped models")
    parser.add_argument("--state", type=Path, metavar="DIR", help="folder of your own models")
    flags.add(parser, families.flags("plot"))


def run(args: argparse.Namespace) -> int:
    if args.output.suffix.lower() not in ENDINGS:
        raise WrongUsage(f"{args.output}: only {' and '.join(ENDINGS)} files can be drawn")
    settings = config.load({"models": args.models, "state": args.state})
    folders = catalog.folders(settings.models, settings.state, alone=args.models is not None)
    drawn, places = families.flags("plot"), [settings.state, *folders]
    word = args.family
    family = word if word in families.FAMILIES else families.resolve(word, places)[0]
    if family not in drawn:
        raise WrongUsage(f"there is no drawing of {family}, only of {', '.join(drawn)}")
    name = families.resolve(word, places)[1][0]
    given = flags.given(args, family, drawn)
    folder = catalog.folder(name, *folders)
    if folder is None:
        raise NotFound(f"{name} is in none of {', '.join(map(str, folders))}")
    plot = families.desktop_step(family, "plot", "matplotlib")
    with quiet():  # the runtime greets whoever loads the first model
        plot(folder, output=args.output, **given)
    return 0
