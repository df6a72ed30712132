"""Convert trained networks to TFLite, measure every file, and write model.json beside them."""

from __future__ import annotations

import argparse
from pathlib import Path

from pi_edge import catalog, config
from pi_edge.desktop import families, flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", metavar="FAMILY", help=families.WHAT)
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the training was kept")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="the models folder to write to (STATE/models)"
    )
    flags.add(parser, families.flags("convert"))


def run(args: argparse.Namespace) -> int:
    settings = config.load({"state": args.state})
    folders = [settings.state, settings.models]
    named = families.new_name("convert", args.family, getattr(args, "name", None))
    family, names = families.resolve(args.family, folders, named)
    given = flags.given(args, family, families.flags("convert"))
    given.pop("name", None)
    convert = families.desktop_step(family, "convert", "tensorflow", "tqdm")
    for name in names:
        output = args.output or catalog.owned_models(settings.state)
        convert(name, state=settings.state, output=output, **given)
    return 0
