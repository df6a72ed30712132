"""Show a model's figures over releases, from the reports in a folder, and flag what became worse
beyond noise. Exit code 1 when the newest figures of something are such a regression."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

EXAMPLES = """\
pi-edge bench history reports/
pi-edge bench history reports/ --json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="with reports by pi-edge bench --json and scripts/bench-over-ssh --json",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """0 when nothing became worse, 1 when something did."""
    from pi_edge.benchmark import history, history_table

    found = history.read(args.folder)
    for line in found.left_out:
        print(f"pi-edge: left out: {line}", file=sys.stderr)
    if args.json:
        print(json.dumps(history_table.to_json(found), indent=2, ensure_ascii=False))
    else:
        print(history_table.to_text(found))
    count = history_table.regressions(found)
    if count:
        print(f"pi-edge: {count} regression{'s' * (count > 1)}", file=sys.stderr)
    return int(count > 0)
