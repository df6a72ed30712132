"""Do each new file in a folder, once, until told to stop: paint photos, or read their digits."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pi_edge import files
from pi_edge.cli import looking
from pi_edge.errors import NotFound, PiEdgeError, Unavailable, WrongUsage

if TYPE_CHECKING:
    from pi_edge.integrations.ending import Ending
    from pi_edge.integrations.folder import Folder

DIGITS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
"""Endings of the pictures that digits are read in."""

Do = Callable[[Path, Path], tuple[dict[str, Any], str]]
"""From a file and where its result goes, which is made, to what is said of it: for JSON, and for a
person."""

EXAMPLES = """\
pi-edge watch photos/ --task style --style udnie
pi-edge watch scans/ --task digits --json -o answers/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "A file is done when it has stopped growing. What was done is told by the results in OUT: "
        "remove one, and its file is done again."
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the folder to watch")
    parser.add_argument(
        "--task", required=True, choices=("style", "digits"), help="what to do with a file"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=Path,
        help="folder of pictures, or of answers as NAME.json (FOLDER/done)",
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each file")
    looking.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    target = args.output or args.folder / "done"
    if not args.folder.is_dir():
        raise NotFound(f"there is no folder {args.folder}")
    if args.task == "style" and target.resolve() == args.folder.resolve():
        raise WrongUsage("pictures need another folder than the photos': -o OUT")
    target.mkdir(parents=True, exist_ok=True)
    from pi_edge.integrations.ending import until_told
    from pi_edge.integrations.folder import LOOK_SECONDS, Folder

    with until_told() as ending:
        if args.task == "style":
            from pi_edge.tasks.style import photo

            do = _painting(args, ending)
            folder = Folder(args.folder, target, photo.ENDINGS, lambda name: name)
        else:
            do = _reading(args)
            folder = Folder(args.folder, target, DIGITS, lambda name: f"{name}.json")
        print(f"watching {args.folder}: results go to {target}", file=sys.stderr, flush=True)
        gone = ""
        while not ending.told:
            try:
                ready, gone = folder.look(), ""
            except OSError as error:  # a stick was pulled out, a share is away
                if gone != (gone := f"{args.folder}: {error.strerror}"):
                    print(f"pi-edge: {gone}", file=sys.stderr, flush=True)
                ready = []
            for path in ready:
                if ending.told or not _one(folder, path, do, args.json):
                    break
            ending.wait(LOOK_SECONDS)
    return 0


def _one(folder: Folder, path: Path, do: Do, as_json: bool) -> bool:
    """Do a file, or say in one line why not; whether the next one has a chance now."""
    try:
        told, text = do(path, folder.target(path))
    except Unavailable as error:  # the daemon is away or busy: the file will have its turn
        print(f"pi-edge: {path.name}: {error}", file=sys.stderr, flush=True)
        return False
    except PiEdgeError as error:
        reason = str(error).removeprefix(f"{path}: ")
        print(f"pi-edge: {path.name}: {reason}", file=sys.stderr, flush=True)
        folder.pass_over(path)
        return True
    print(
        json.dumps({"file": path.name, **told}) if as_json else f"{path.name}: {text}", flush=True
    )
    return True


def _painting(args: argparse.Namespace, ending: Ending) -> Do:
    painter = looking.painter(args)

    def do(path: Path, target: Path) -> tuple[dict[str, Any], str]:
        begin = time.monotonic()
        painter.paint(path, target, ending.check)
        seconds = time.monotonic() - begin
        return {"output": str(target), "seconds": round(seconds, 3)}, f"{target}  {seconds:.1f} s"

    return do


def _reading(args: argparse.Namespace) -> Do:
    reader = looking.reader(args)
    from pi_edge.integrations.reading import in_a_line
    from pi_edge.tasks.digits import MAX_FILE

    def do(path: Path, target: Path) -> tuple[dict[str, Any], str]:
        with path.open("rb") as file:
            answer = reader.read(file.read(MAX_FILE))
        files.write_json(target, answer)
        return answer, in_a_line(answer)

    return do
