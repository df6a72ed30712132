"""Photos in the style of a painting, at full size and in little memory."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pi_edge import catalog, config, files
from pi_edge.desktop.quiet import quiet
from pi_edge.errors import BadInput, PiEdgeError, WrongUsage

if TYPE_CHECKING:
    from pi_edge.tasks.style.render import Options
    from pi_edge.tasks.style.stylist import Stylist

SCALES = ("fine", "normal", "bold")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "JPEG, PNG, WebP and TIFF are read and written; EXIF and colour profile stay."
    parser.add_argument(
        "photos", metavar="PHOTO", nargs="+", help="a file, a folder, or - for standard input"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="a file, a folder where there are several photos, or - for standard output",
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
        "--scale", choices=SCALES, default="normal", help="size of the strokes (default normal)"
    )
    parser.add_argument("--preview", action="store_true", help="a small copy, quickly")
    parser.add_argument(
        "--max-memory", type=int, metavar="MB", help="most memory to take (default 200)"
    )
    parser.add_argument("--model", default="style", metavar="MODEL", help="(default style)")
    parser.add_argument("--variant", default="", metavar="V", help="float32, float16, ...")
    parser.add_argument("--models", metavar="DIR", help="the folder of shipped models")
    parser.add_argument(
        "--state", metavar="DIR", help="the state folder, which holds your own models"
    )
    parser.add_argument("--threads", metavar="N", help="threads to use (default all cores)")


def run(args: argparse.Namespace) -> int:
    if not 0 <= args.strength <= 1:
        raise WrongUsage(f"--strength must be from 0 to 1, not {args.strength:g}")
    if not (args.style or args.styles or args.sheet):
        raise WrongUsage("name a --style or a mix of --styles, or ask for a --sheet of all")
    jobs = _jobs(args.photos, args.output)
    settings = config.load({name: getattr(args, name) for name in ("models", "state")})
    entries, problems = catalog.find(settings.models, catalog.owned_models(settings.state))
    if args.model in problems:
        raise PiEdgeError(f"{args.model} cannot be used: {problems[args.model]}")
    entry = catalog.pick(entries, args.model)
    if entry.task != "style":
        raise BadInput(f"{args.model} is no style model: its task is {entry.task}")
    threads = config.load({"threads": args.threads or os.cpu_count() or 1}).threads
    variant, file = entry.file(args.variant)

    # From here on things are heavy: asking for help must not wait for NumPy.
    from pi_edge.tasks.style import choice, memory, render
    from pi_edge.tasks.style.stylist import Stylist

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
    stylist = Stylist(file, entry.info["variants"][variant], threads)
    if args.sheet:
        return _sheets(stylist, jobs, options, styles)
    return _each(stylist, jobs, options)


def _jobs(photos: list[str], output: str) -> list[tuple[str, str]]:
    """What to read and where to write it."""
    from pi_edge.tasks.style.photo import ENDINGS

    several = len(photos) > 1 or Path(photos[0]).is_dir()
    found: list[Path | str] = []
    for name in photos:
        folder = Path(name)
        if name != "-" and folder.is_dir():
            inside = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS)
            if not inside:
                raise BadInput(f"there are no pictures in {name}")
            found += inside
        else:
            found.append(name)
    if not several:
        into = Path(output)
        if output != "-" and into.is_dir():
            into = into / (Path(photos[0]).name if photos[0] != "-" else "styled.jpg")
        return [(photos[0], str(into) if output != "-" else "-")]
    if output == "-" or Path(output).is_file():
        raise WrongUsage("several photos need a folder to go to: -o FOLDER")
    names = ["styled.jpg" if str(name) == "-" else Path(name).name for name in found]
    for name in {name for name in names if names.count(name) > 1}:
        raise WrongUsage(f"two of the photos are called {name}: style them into two folders")
    return [(str(a), str(Path(output) / b)) for a, b in zip(found, names, strict=True)]


def _each(stylist: Stylist, jobs: list[tuple[str, str]], options: Options) -> int:
    failed = 0
    for name, output in jobs:
        try:
            _one(stylist, name, output, options)
        except (PiEdgeError, OSError) as error:
            if len(jobs) == 1:
                raise
            failed += 1
            print(f"pi-edge: {name}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _one(stylist: Stylist, name: str, output: str, options: Options) -> None:
    from pi_edge.tasks.style import photo, render

    ending = Path(output).suffix.lower() if output != "-" else ".jpg"
    if ending not in photo.ENDINGS:
        raise BadInput(f"{output}: pictures are written as {', '.join(photo.ENDINGS)}")
    try:
        source = photo.open_photo(
            sys.stdin.buffer.read() if name == "-" else Path(name), options.max_memory
        )
        with files.replacing(Path(output)) as file, quiet():
            render.render(stylist, source, options, file, ending)
    except PiEdgeError as error:
        raise type(error)(f"{name}: {error}") from error


def _sheets(stylist, jobs, options, styles):
    raise NotImplementedError
