"""Photos in the style of a painting, at full size and in little memory."""

from __future__ import annotations

import argparse
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pi_edge import catalog, config, files, terminal
from pi_edge.cli import cluster, optimize
from pi_edge.cli.stop import Stop
from pi_edge.errors import BadInput, PiEdgeError, WrongUsage
from pi_edge.quiet import quiet

if TYPE_CHECKING:
    from pi_edge.tasks.style.jobs import Job
    from pi_edge.tasks.style.render import Options, Report
    from pi_edge.tasks.style.stylist import Stylist


EXAMPLES = """\
pi-edge stylize photo.jpg -o painted.jpg --style great-wave
pi-edge stylize photo.jpg -o all.jpg --sheet
pi-edge stylize holiday/ -o painted/ --styles udnie=0.5,scream=0.5 --strength 0.8
pi-edge stylize photo.jpg -o oil.jpg --optimize --painting oil-painting.jpg
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "JPEG, PNG, WebP and TIFF are read and written, with EXIF and colour profile; videos go "
        "through the system's ffmpeg."
    )
    parser.add_argument(
        "photos", metavar="PHOTO", nargs="+", help="a file, a folder, or - for standard input"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="a file, a folder for several photos, or - for standard output (JPEG)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--style", metavar="NAME", help="one of the model's styles")
    which.add_argument("--styles", metavar="MIX", help="a mix, as in udnie=0.5,scream=0.5")
    which.add_argument("--sheet", action="store_true", help="every style in one picture")
    parser.add_argument(
        "--strength", type=float, default=1.0, metavar="S", help="from 0, the photo, to 1 (default)"
    )
    parser.add_argument("--preserve-color", action="store_true", help="keep the photo's colours")
    parser.add_argument(
        "--scale",
        choices=("fine", "normal", "bold"),
        default="normal",
        help="size of the strokes: fine takes four times as long, bold a quarter",
    )
    parser.add_argument("--preview", action="store_true", help="a small copy, quickly")
    parser.add_argument(
        "--max-memory", type=int, metavar="MB", help="most memory to take (default 200)"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="pass over photos whose picture is there already, as after a batch that was cut off",
    )
    parser.add_argument("--model", default="style", metavar="MODEL", help="(default style)")
    parser.add_argument("--variant", default="", metavar="V", help="float32, float16, ...")
    parser.add_argument("--models", metavar="DIR", help="the folder of shipped models")
    parser.add_argument(
        "--state", metavar="DIR", help="the state folder, which holds your own models"
    )
    parser.add_argument("--threads", metavar="N", help="threads to use (default all cores)")
    cluster.add_arguments(parser)
    optimize.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    if not 0 <= args.strength <= 1:
        raise WrongUsage(f"--strength must be from 0 to 1, not {args.strength:g}")
    cluster.refuse_without(args)
    if args.optimize:
        if args.cluster:
            raise WrongUsage("--optimize takes a desktop, not a --cluster")
        return optimize.run(args, _output)
    optimize.refuse_without(args)
    stop = Stop()
    return stop.watch(lambda: _run(args, stop))


def _run(args: argparse.Namespace, stop: Stop) -> int:
    if not (args.style or args.styles or args.sheet):
        raise WrongUsage("name a --style or a mix of --styles, or ask for a --sheet of all")
    entry, threads = _model(args)
    variant, file = entry.file(args.variant)

    # NumPy's OpenBLAS would start threads that nothing here uses and that cost a sixth of a small
    # photo's processor time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # From here on things are heavy: asking for help must not wait for NumPy. None of it is garbage
    # before the end, and looking for some would take a tenth of a small photo's time.
    gc.disable()
    from pi_edge.tasks.style import choice, jobs, memory, photo, render
    from pi_edge.tasks.style.stylist import Stylist

    planned = jobs.plan(args.photos, args.output)
    if args.resume:
        planned = [job for job in planned if not (job.target != "-" and Path(job.target).exists())]
        if not planned:
            return 0
    if any(job.is_video for job in planned) and (
        args.sheet or args.preview or args.scale != "normal"
    ):
        raise WrongUsage("--sheet, --preview and --scale are for photos, not for videos")
    if args.cluster and any(job.is_video for job in planned):
        raise WrongUsage("--cluster is for photos: a video is styled on one machine")
    styles = entry.info.get("styles", [])
    mix = choice.parse(args.styles) if args.styles else {args.style or styles[0]: 1.0}
    options = render.Options(
        choice.weights(mix, styles),
        args.strength,
        args.preserve_color,
        args.scale,
        args.preview,
        args.max_memory or memory.DEFAULT,
    )
    if args.cluster:
        return _on_cluster(args, entry, variant, planned, options, styles, stop)
    with quiet():  # the runtime greets whoever opens the first model
        stylist = Stylist(file, entry.info["variants"][variant], threads)
    photo.backend()
    gc.freeze()
    gc.enable()
    failed = 0
    for number, job in enumerate(planned, 1):
        what = "" if len(planned) == 1 else f"{number}/{len(planned)} {job.source}"
        try:
            _one(stylist, job, options, styles if args.sheet else [], stop, what)
        except (PiEdgeError, OSError) as error:
            if len(planned) == 1:
                raise
            failed += 1
            _complain(job, error)
    return 1 if failed else 0


def _complain(job: Job, error: PiEdgeError | OSError) -> None:
    reason = error.strerror if isinstance(error, OSError) else error
    print(f"pi-edge: {job.source}: {reason}", file=sys.stderr)


def _on_cluster(
    args: argparse.Namespace,
    entry: catalog.Entry,
    variant: str,
    planned: list[Job],
    options: Options,
    styles: list[str],
    stop: Stop,
) -> int:
    from pi_edge.tasks.style import jobs

    order = {
        **{name: getattr(options, name) for name in ("strength", "preserve_color", "scale")},
        **{name: getattr(options, name) for name in ("preview", "max_memory")},
        "style": options.style.tolist(),
        "sheet": list(styles) if args.sheet else [],
    }

    def load(number: int) -> tuple[dict[str, Any], bytes]:
        job = planned[number]
        if job.source == jobs.STREAM:
            return {**order, "ending": job.ending}, sys.stdin.buffer.read()
        if Path(job.source).is_dir():
            raise BadInput(f"{job.source} is a folder")
        return {**order, "ending": job.ending}, Path(job.source).read_bytes()

    failed = 0
    names = [job.source for job in planned]
    dealt = cluster.dealt(args, entry, variant, "style", names, load, stop.check)
    with stop.finishing(), closing(dealt):
        for number, picture in dealt:
            try:
                if isinstance(picture, Exception):
                    raise picture
                with _output(planned[number]) as file:
                    file.write(picture)
            except (PiEdgeError, OSError) as error:
                if len(planned) == 1:
                    raise
                failed += 1
                _complain(planned[number], error)
    return 1 if failed else 0


def _model(args: argparse.Namespace) -> tuple[catalog.Entry, int]:
    settings = config.load({name: getattr(args, name) for name in ("models", "state")})
    threads = config.load({"threads": args.threads or os.cpu_count() or 1}).threads
    entries, problems = catalog.find(settings.models, catalog.owned_models(settings.state))
    if args.model in problems:
        raise PiEdgeError(f"{args.model} cannot be used: {problems[args.model]}")
    entry = catalog.pick(entries, args.model)
    if entry.task != "style":
        raise BadInput(f"{args.model} is no style model: its task is {entry.task}")
    return entry, threads


def _one(
    stylist: Stylist, job: Job, options: Options, sheet: list[str], stop: Stop, what: str
) -> None:
    from pi_edge.tasks.style import jobs, photo, render

    if job.is_video:
        from pi_edge.tasks.style import video

        with stop.finishing(), _progress(what) as report:
            video.stylize(stylist, Path(job.source), Path(job.target), options, stop.before(report))
        return
    data = sys.stdin.buffer.read() if job.source == jobs.STREAM else Path(job.source)
    source = photo.open_photo(data, options.max_memory)
    with stop.finishing(), _output(job, stop.check) as file, _progress(what) as report:
        if sheet:
            from pi_edge.tasks.style import sheet as sheets

            sheets.write(stylist, source, sheet, options, file, job.ending, stop.before(report))
        else:
            render.render(stylist, source, options, file, job.ending, stop.before(report))


@contextmanager
def _output(job: Job, check: Callable[[], None] = lambda: None) -> Iterator[BinaryIO]:
    """A file for the picture, which goes where it belongs once it is whole."""
    if job.target != "-":
        try:
            with files.replacing(Path(job.target)) as file:
                yield file
                check()
        except OSError as error:
            raise PiEdgeError(f"{job.target} cannot be written: {error.strerror}") from error
        return
    with tempfile.TemporaryFile() as aside:
        yield aside
        check()
        aside.seek(0)
        shutil.copyfileobj(aside, sys.stdout.buffer)
        sys.stdout.buffer.flush()


@contextmanager
def _progress(what: str) -> Iterator[Report]:
    """A function to tell of steps done: a bar on a terminal, a line every half minute elsewhere."""
    import time

    said, bar = time.monotonic(), terminal.bar(1, what)

    def report(done: int, total: int) -> None:
        nonlocal said
        if bar is not None:
            bar.total, bar.n = total, done
            bar.refresh()
        elif time.monotonic() - said > terminal.PLAIN_EVERY and not terminal.silent():
            said = time.monotonic()
            print(f"{what or 'styling'}: {done / total:.0%}", file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if bar is not None:
            bar.close()
    if what and bar is None and not terminal.silent():
        print(what, file=sys.stderr, flush=True)
