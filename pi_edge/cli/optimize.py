"""`pi-edge stylize --optimize`: the original method, which changes the photo's own pixels until
they look like the painting (Gatys, Ecker, Bethge 2015). Slow, faithful, for desktops."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pi_edge.errors import PiEdgeError, WrongUsage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pi_edge.tasks.style.jobs import Job

    Output = Callable[[Job], AbstractContextManager[BinaryIO]]
    Optimise = Callable[..., NDArray[np.uint8]]

ITERATIONS, PREVIEW_EVERY, SIDE = 200, 25, 1024
MEGABYTES = 8000
"""Memory that a photo may take to decode: the method itself takes gigabytes."""
LONGEST_PAINTING = 2048

LEAST = {"iterations": 1, "side": 32, "preview_every": 0}
OWN = ("painting", "iterations", "side", "preview_every")
FOREIGN = ("style", "styles", "sheet", "preview", "max_memory", "variant")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "on a desktop (extra desktop)",
        "the original method, minutes instead of seconds: the photo's own pixels are changed, step "
        "by step, until they look like any painting",
    )
    group.add_argument("--optimize", action="store_true", help="do that, with --painting")
    group.add_argument(
        "--painting", metavar="P", help="a picture, or a built-in one's style where the data is"
    )
    group.add_argument("--iterations", type=int, metavar="N", help=f"steps in all ({ITERATIONS})")
    group.add_argument(
        "--side",
        type=int,
        metavar="PIXELS",
        help=f"longer side of the result (the photo's, at most {SIDE}; 1024 take 3 GB of memory)",
    )
    group.add_argument(
        "--preview-every",
        type=int,
        metavar="N",
        help=f"steps between pictures in OUT.preview.jpg, which goes in the end ({PREVIEW_EVERY})",
    )


def refuse_without(args: argparse.Namespace) -> None:
    """Refuse flags that only --optimize has.

    Raises:
        WrongUsage: says which.
    """
    for name in OWN:
        if getattr(args, name) is not None:
            raise WrongUsage(f"{_option(name)} goes with --optimize only")


def run(args: argparse.Namespace, output: Output) -> int:
    """Do it for each photo.

    Args:
        output: opens the file of a job, which takes its place once it is whole.
    """
    for name in FOREIGN:
        if getattr(args, name):
            raise WrongUsage(f"{_option(name)} does not go with --optimize: it learns a --painting")
    if args.scale != "normal":
        raise WrongUsage("--scale does not go with --optimize: choose another --side")
    for name, least in LEAST.items():
        if getattr(args, name) is not None and getattr(args, name) < least:
            raise WrongUsage(f"{_option(name)} must be at least {least}")
    if not args.painting:
        raise WrongUsage("--optimize needs a picture to learn from: --painting FILE")
    from pi_edge.desktop import families

    families.need("stylize --optimize", "tensorflow", "tqdm", "h5py")
    signal.signal(signal.SIGTERM, _stop)
    from pi_edge.desktop.style import data
    from pi_edge.tasks.style import jobs

    painting = data.load(data.named_painting(args.painting), longest=LONGEST_PAINTING)
    planned = jobs.plan(args.photos, args.output)
    if any(job.is_video for job in planned):
        raise WrongUsage("--optimize is for photos: the frames of a video would flicker")
    failed = 0
    for number, job in enumerate(planned, 1):
        what = "optimising" if len(planned) == 1 else f"{number}/{len(planned)} {job.source}"
        try:
            # Standard output may be where the picture goes.
            with contextlib.redirect_stdout(sys.stderr):
                made, write = _optimised(args, job, painting, what)
            with output(job) as file:
                write(made, file)
        except PiEdgeError as error:
            if len(planned) == 1:
                raise
            failed += 1
            print(f"pi-edge: {job.source}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _optimised(
    args: argparse.Namespace, job: Job, painting: NDArray[np.uint8], what: str
) -> tuple[NDArray[np.uint8], Callable[[NDArray[np.uint8], BinaryIO], None]]:
    """The picture of a job's photo, and how it is written."""
    import numpy as np

    from pi_edge.desktop import families
    from pi_edge.learning.progress import Progress
    from pi_edge.tasks.style import blending, jobs, photo

    optimise: Optimise = families.desktop_step("style", "optimise", "tensorflow")
    from pi_edge.desktop.style import preview  # after that: it takes TensorFlow's chatter away

    content = sys.stdin.buffer.read() if job.source == jobs.STREAM else Path(job.source)
    source = photo.open_photo(content, MEGABYTES)
    header = source.header
    longer = max(header.height, header.width)
    factor = min(1.0, (args.side or SIDE) / longer)
    height, width = (max(1, round(n * factor)) for n in (header.height, header.width))
    header = replace(header, height=height, width=width)
    small = source.reduced(height, width)
    shown = Path(job.target).with_suffix(".preview.jpg") if job.target != jobs.STREAM else None
    every = PREVIEW_EVERY if args.preview_every is None else args.preview_every
    iterations = args.iterations or ITERATIONS
    try:
        with Progress(what, iterations) as progress:

            def watch(picture: NDArray[np.uint8], done: int, losses: dict[str, float]) -> None:
                progress.step(content=losses["content"], style=losses["style"])
                if shown is not None and every and done % every == 0 and done < iterations:
                    preview.write(shown, [[picture]])

            made = optimise(small, painting, iterations, max(height, width), watch, every=1)
    finally:
        if shown is not None:
            shown.unlink(missing_ok=True)

    def write(picture: NDArray[np.uint8], file: BinaryIO) -> None:
        rows = blending.blend(picture.astype(np.float32), small, args.strength, args.preserve_color)
        if header.alpha:
            reader = source.strips(height, width)
            pixels = np.empty((height, width, reader.channels), np.uint8)
            try:
                reader.read(pixels)
            finally:
                reader.close()
            rows = np.concatenate([rows, pixels[..., 3:]], 2)
        writer = photo.backend().writer(file, job.ending, header, (height, width))
        try:
            writer.write(np.ascontiguousarray(rows))
        except BaseException:
            writer.abandon()
            raise
        writer.close()

    return made, write


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _stop(_signal: int, _frame: Any) -> None:
    """Leave through every `finally`, as Ctrl-C does."""
    raise KeyboardInterrupt
