"""List the models, show, add, remove or bring back one, or verify that files are what their
model.json tells."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pi_edge import catalog, config, terminal
from pi_edge.errors import PiEdgeError
from pi_edge.quiet import quiet

EXAMPLES = """\
pi-edge models list
pi-edge models show mnist-cnn --json
pi-edge models verify                            # all files, and what they compute
pi-edge models add elsewhere/mine.tflite
pi-edge models rollback mine                     # the one before again
pi-edge models remove mine
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="one line a model")
    show = actions.add_parser("show", help="all that is known of one model")
    show.add_argument("name", metavar="NAME")
    verify = actions.add_parser("verify", help="check every file, and what it computes, offline")
    verify.add_argument("names", metavar="NAME", nargs="*", help="these only")
    adding = actions.add_parser("add", help="check a model and put it among your own")
    adding.add_argument("path", metavar="PATH", type=Path, help="its folder, or a .tflite file")
    removing = actions.add_parser("remove", help="take one from among your own")
    back = actions.add_parser("rollback", help="bring back what was replaced or removed last")
    for action in (removing, back):
        action.add_argument("name", metavar="NAME")
    for action in (listing, show, verify, adding, removing, back):
        action.add_argument("--models", metavar="DIR", help="folder of shipped models")
        action.add_argument("--state", metavar="DIR", help="folder whose models/ are your own")
    for action in (verify, adding, removing, back):
        action.add_argument("-q", "--quiet", action="store_true", help="say only what is wrong")
    for action in (listing, show):
        action.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    settings = config.load({"models": args.models, "state": args.state})
    owned = catalog.owned_models(settings.state)
    if args.action == "add":
        return _add(args.path, owned)
    if args.action in ("remove", "rollback"):
        return _take(args.action, args.name, owned, settings.models)
    entries, problems = catalog.find(settings.models, owned)
    if not entries and not problems:
        raise PiEdgeError(f"there are no models in {settings.models} and {owned}")
    if args.action == "verify":
        return _verify(entries, problems, args.names)
    if args.action == "show":
        if args.name in problems:
            raise PiEdgeError(problems[args.name])
        told = describe(catalog.pick(entries, args.name))
        print(_json(told) if args.json else "\n".join(_lines(told)))
        return 0
    table = {name: describe(entry) for name, entry in sorted(entries.items())}
    unfit = _unfit(entries, settings.state)
    if args.json:
        print(_json({"models": table, "problems": problems, "quarantined": unfit}))
    else:
        for name, told in table.items():
            sizes = ", ".join(f"{v} {_size(t['bytes'])}" for v, t in told["variants"].items())
            whose = "yours" if Path(told["folder"]).is_relative_to(owned) else "shipped"
            print(f"{name:16} {told['task']:10} {whose:8} {sizes}")
            for line in unfit.get(name, []):
                print(f"{'':16} {terminal.coloured('quarantined', 'red')}: {line}")
        for name, problem in sorted(problems.items()):
            print(f"{name:16} {terminal.coloured('unusable', 'red')}: {problem}")
    return 0


def _unfit(entries: dict[str, catalog.Entry], state: Path) -> dict[str, list[str]]:
    """By model, why variants of it were found unfit when the daemon last tried them here."""
    from pi_edge import ledger

    if not os.access(state / ledger.FILE, os.R_OK | os.W_OK):
        return {}
    from pi_edge import proving

    known = ledger.Ledger(state)
    found: dict[str, list[str]] = {}
    for name, entry in entries.items():
        for variant in entry.files:
            with contextlib.suppress(PiEdgeError):  # what cannot be read is told elsewhere
                verdict = proving.verdict_of(known, entry, variant)
                if verdict and verdict.reason:
                    found.setdefault(name, []).append(f"{variant}: {verdict.reason}")
    known.close()
    return found


def describe(entry: catalog.Entry) -> dict[str, Any]:
    """What model.json tells of a model, and where its files are and how large in bytes."""
    variants = {
        name: {
            **entry.info.get("variants", {}).get(name, {}),
            "file": file.name,
            "bytes": file.stat().st_size,
        }
        for name, file in entry.files.items()
    }
    return {
        **entry.info,
        "name": entry.name,
        "task": entry.task,
        "default": entry.default,
        "folder": str(entry.files[entry.default].parent),
        "variants": variants,
    }


def _add(path: Path, owned: Path) -> int:
    from pi_edge import adding

    try:
        with quiet():  # the runtime greets whoever loads the first model
            name = adding.add(path, owned)
    except OSError as error:
        raise PiEdgeError(f"{error.filename or owned}: {error.strerror}") from error
    terminal.remark(f"{name}: added to {owned}")
    return 0


def _take(action: str, name: str, owned: Path, shipped: Path) -> int:
    from pi_edge import adding

    try:
        if action == "remove":
            adding.remove(name, owned)
        else:
            adding.roll_back(name, owned, shipped)
    except OSError as error:
        raise PiEdgeError(f"{error.filename or owned}: {error.strerror}") from error
    if action == "remove":
        terminal.remark(
            f"{name}: removed from {owned}; pi-edge models rollback {name} brings it back"
        )
    elif (owned / name).exists() or (owned / f"{name}.tflite").exists():
        terminal.remark(f"{name}: the one before is back in {owned}")
    else:
        terminal.remark(f"{name}: the shipped one serves again; the same command brings yours back")
    return 0


def _verify(entries: dict[str, catalog.Entry], problems: dict[str, str], names: list[str]) -> int:
    from pi_edge import proving
    from pi_edge.verification import verify_files

    failed = 0
    for name in names or sorted({*entries, *problems}):
        if name in problems:
            wrong = [problems[name]]
        else:
            entry = catalog.pick(entries, name)
            file = entry.files[entry.default]
            if entry.info:
                with quiet():  # the runtime greets whoever loads the first model
                    wrong = verify_files(file.parent)
            else:  # a bare file: nothing is told of it but that it should run
                try:
                    proving.try_in_child(file, 1, proving.TIME_LIMIT)
                    wrong = []
                except PiEdgeError as error:
                    wrong = [str(error)]
        for line in wrong:
            print(f"pi-edge: {name}: {line}", file=sys.stderr)
        if not wrong:
            told = ", ".join(entries[name].files) if entries[name].info else "it runs"
            terminal.remark(f"{name}: fine ({told})")
        failed += bool(wrong)
    return 1 if failed else 0


def _lines(told: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Nested values as indented lines."""
    for key, value in told.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            yield f"{indent}{key}: {text}"


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
