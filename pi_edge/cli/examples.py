"""List, export or remove the digits that were put right, with a daemon running or without."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pi_edge import config, examples, terminal
from pi_edge.errors import WrongUsage

EXAMPLES = """\
pi-edge examples list --newest 10
pi-edge examples list --label 7 --json
pi-edge examples export put-right
pi-edge examples remove 12 13
pi-edge examples remove --all
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="one line an example, by label, the newest first")
    listing.add_argument("--newest", metavar="N", type=_count, help="the newest N only")
    listing.add_argument("--json", action="store_true", help="print one JSON document")
    export = actions.add_parser("export", help="write each as FOLDER/LABEL/ID.png")
    export.add_argument("folder", metavar="FOLDER", type=Path, help="a new folder")
    removing = actions.add_parser("remove", help="remove some, or all")
    removing.add_argument("ids", metavar="ID", nargs="*", type=_count, help="these")
    removing.add_argument("--all", action="store_true", help="all of them")
    for action in (export, removing):
        action.add_argument("-q", "--quiet", action="store_true", help="say only what is wrong")
    for action in (listing, export, removing):
        action.add_argument("--label", metavar="N", type=int, choices=range(10), help="of this one")
        action.add_argument("--state", metavar="DIR", help="the daemon's state folder")


def run(args: argparse.Namespace) -> int:
    settings = config.load({"state": args.state})
    kept = examples.Examples(settings.state, settings.examples, settings.examples_bytes)
    if args.action == "list":
        _list(kept.find(args.label, args.newest), args.json)
    elif args.action == "export":
        count = kept.export(args.folder, args.label)
        terminal.remark(f"{_examples(count)} written to {args.folder}")
    else:
        terminal.remark(f"{_examples(_remove(kept, args))} removed")
    return 0


def _remove(kept: examples.Examples, args: argparse.Namespace) -> int:
    if bool(args.ids) + args.all + (args.label is not None) != 1:
        raise WrongUsage("say which: ids, or --label N, or --all")
    return kept.remove(args.ids) if args.ids else kept.clear(args.label)


def _list(found: list[examples.Example], as_json: bool) -> None:
    if as_json:
        print(json.dumps([_told(one) for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        told = _told(one)
        print(f"{one.label}  {one.id:>6}  {told['came']}  {one.model} read {one.answered}")
    counts = Counter(one.label for one in found)
    labels = ", ".join(f"{count} of {label}" for label, count in sorted(counts.items()))
    print(f"{_examples(len(found))}{': ' if labels else ''}{labels}")


def _told(one: examples.Example) -> dict[str, Any]:
    came = datetime.fromtimestamp(one.came, UTC).isoformat().replace("+00:00", "Z")
    told = {"id": one.id, "label": one.label, "answered": one.answered}
    return {**told, "model": one.model, "came": came}


def _examples(count: int) -> str:
    return f"{count} example" if count == 1 else f"{count} examples"


def _count(text: str) -> int:
    """A whole number from 1 on, as argparse wants it."""
    if not re.fullmatch("0*[1-9][0-9]{0,17}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)
