"""Convert trained networks to TFLite, measure every file, and write model.json beside them."""

from __future__ import annotations

import argparse
from pathlib import Path

from pi_edge import catalog, config
from pi_edge.desktop import families


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", metavar="FAMILY", help=families.WHAT)
    parser.add_argument("--data", type=Path, metavar="PATH", help="the data file, or its folder")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the training was kept")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="the models folder to write to (STATE/models)"
    )


def run(args: argparse.Namespace) -> int:
    state = config.load({"state": args.state}).state
    for package, name in families.models(args.family):
        families.tensorflow_step(package, "convert")(
            name,
            state=state,
            output=args.output or catalog.owned_models(state),
            given=args.data,
        )
    return 0
