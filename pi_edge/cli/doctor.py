"""Look for what is wrong on this machine: one line a check, ok, warn or fail, and below it the
exact command that mends it. Works where nothing else does; changes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pi_edge import terminal
from pi_edge.cli import status
from pi_edge.config import Config
from pi_edge.errors import PiEdgeError

EXAMPLES = """\
pi-edge doctor                  # everything, a line each
pi-edge doctor port models      # these checks only
pi-edge doctor --quiet          # only what is to be mended
pi-edge doctor --json           # for programs
sudo pi-edge doctor             # sees whose port it is, and the service's own files
"""

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checks", nargs="*", metavar="CHECK", help="port, models, ... (all)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quiet", action="store_true", help="leave out what is ok")
    parser.add_argument("--config", metavar="FILE", type=Path, help="the daemon's settings")
    parser.add_argument("--models", metavar="DIR", help="the daemon's folder of shipped models")
    parser.add_argument("--state", metavar="DIR", help="the daemon's state folder")


def run(args: argparse.Namespace) -> int:
    """0 when nothing failed, 1 when something did."""
    from pi_edge.doctor import checkup

    checks = checkup.named(args.checks)
    patient = checkup.examine(_ask, {"models": args.models, "state": args.state}, args.config)
    found: list[dict[str, Any]] = []
    for check, one in checkup.run(patient, checks):
        row = {"check": check.name, "level": one.level, "found": one.text}
        row |= {"command": one.command, "advice": one.words}
        found.append(row)
        if not args.json and not (args.quiet and one.level == "ok"):
            print(to_text(row), flush=True)
    level = checkup.worst(row["level"] for row in found)
    if args.json:
        document = {"level": level, "checks": found}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    return int(level == "fail")


def to_text(row: Mapping[str, str]) -> str:
    """A line for a person, and below it what mends it."""
    level = terminal.coloured(f"{row['level']:4}", _COLOURS[row["level"]], sys.stdout)
    lines = [f"{level}  {row['check']:9} {row['found']}"]
    if row["command"]:
        lines.append(f"{'':16}$ {row['command']}")
    elif row["advice"]:
        lines.append(f"{'':16}{row['advice']}")
    return "\n".join(lines)


def _ask(settings: Config) -> tuple[dict[str, Any] | None, bool]:
    """What the running daemon says of itself, and whether it demands a token not known here."""
    try:
        return status.of_daemon(settings), False
    except status.Locked:
        return None, True
    except PiEdgeError:
        return None, False
