"""Look at what a camera sees with a model, frame by frame, until told to stop."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pi_edge.cli import looking
from pi_edge.errors import BadInput, WrongUsage

if TYPE_CHECKING:
    from pi_edge.integrations.ending import Ending
    from pi_edge.integrations.frames import Looker

EXAMPLES = """\
pi-edge camera --every 2
pi-edge camera --source /dev/video0 --count 10 --json
pi-edge camera --model style --style scream --save painted/
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "Frames that come while one is looked at are dropped; how many is said at the end. Models "
        "of the task digits read them, models of style paint them (--style, --save), others that "
        "take one picture name its likeliest class."
    )
    parser.add_argument(
        "--every", type=float, default=0.0, metavar="SECONDS", help="at most one frame in so many"
    )
    parser.add_argument("--count", type=int, metavar="N", help="stop after so many frames")
    add_source_arguments(parser)


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--source",
        default="auto",
        metavar="SOURCE",
        help="picamera2, a device as /dev/video0, a folder of pictures, or a video (the first"
        " camera there is)",
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each frame")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="keep the frames, or paintings")
    looking.add_arguments(parser)


def looker(args: argparse.Namespace, ending: Ending) -> Looker:
    """What looks at frames as the arguments say."""
    if args.count is not None and args.count < 1:
        raise WrongUsage(f"--count must be 1 or more, not {args.count}")
    from pi_edge.integrations.frames import Looker

    paints = looking.task_of(args) == "style"
    if paints and not args.save:
        raise WrongUsage("paintings need a folder: --save FOLDER")
    source = Path(args.source)
    if (
        args.save
        and source.exists()
        and args.save.resolve() in (source.resolve(), source.parent.resolve())
    ):
        raise WrongUsage("frames need another folder than they come from: --save FOLDER")
    if args.save:
        args.save.mkdir(parents=True, exist_ok=True)
    painter = looking.painter(args) if paints else None
    reader = None if paints else looking.reader(args)
    return Looker(reader, painter, args.save, args.json, ending.check)


def run(args: argparse.Namespace) -> int:
    if not 0 <= args.every <= 86400:
        raise WrongUsage(f"--every must be from 0 to 86400 seconds, not {args.every:g}")
    from pi_edge.integrations import camera
    from pi_edge.integrations.ending import until_told

    with until_told() as ending:
        look = looker(args, ending)
        with contextlib.closing(camera.open_source(args.source)) as source:
            count = failed = 0
            try:
                while args.count is None or count < args.count:
                    begin = time.monotonic()
                    frame = source.frame(lambda: ending.told, fresh=bool(args.every and count))
                    if frame is None:
                        break
                    count += 1
                    try:
                        print(look.look(frame, source.dropped), flush=True)
                    except BadInput as error:
                        failed += 1
                        print(f"pi-edge: {frame.name or 'frame'}: {error}", file=sys.stderr)
                    if count != args.count:
                        ending.wait(args.every - (time.monotonic() - begin))
            finally:
                print(f"frames looked at: {count}, dropped: {source.dropped}", file=sys.stderr)
    return 1 if failed else 0
