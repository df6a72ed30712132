"""Show what was measured: machines, figures, plots of latencies and ratios, answers, training. An
HTML page that needs nothing else, a picture or a Markdown page, by the ending of the name."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from pi_edge import catalog, config, files
from pi_edge.errors import PiEdgeError, Unavailable, WrongUsage

if TYPE_CHECKING:
    from pi_edge.benchmark.page.figures import Page

ENDINGS = (".html", ".md", ".png")


EXAMPLES = """\
pi-edge bench report here.json -o report.html
pi-edge bench report laptop.json pi.json -o ratios.md -o ratios.png
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "report",
        nargs="+",
        type=Path,
        metavar="REPORT.json",
        help="by pi-edge bench --json (the first is set beside each other one) or by"
        " scripts/bench-over-ssh --json",
    )
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        required=True,
        type=Path,
        metavar="FILE",
        help="a .html, .md or .png file; may be given several times",
    )
    parser.add_argument(
        "--models", metavar="DIR", help="models folder that tells what training took"
    )
    parser.add_argument("--state", metavar="DIR", help="folder with the owner's own models")


def run(args: argparse.Namespace) -> int:
    from pi_edge.benchmark import training
    from pi_edge.benchmark.page import gather

    for path in args.output:
        if path.suffix.lower() not in ENDINGS:
            raise WrongUsage(f"{path}: only {', '.join(ENDINGS)} files can be written")
    settings = config.load({"models": args.models, "state": args.state})
    entries, _ = catalog.find(settings.models, catalog.owned_models(settings.state))
    page = gather.page(args.report, training.collect(entries.values()))
    # All are drawn before the first is written: what cannot be drawn leaves nothing behind.
    drawn = [(path, _draw(page, path.suffix.lower())) for path in args.output]
    for path, contents in drawn:
        try:
            files.write_bytes(path, contents)
        except OSError as error:
            raise PiEdgeError(f"cannot write {path}: {error.strerror}") from error
        print(path)
    return 0


def _draw(page: Page, ending: str) -> bytes:
    from pi_edge.benchmark.page import html, markdown

    if ending == ".html":
        return html.document(page).encode()
    if ending == ".md":
        return markdown.document(page).encode()
    if importlib.util.find_spec("matplotlib") is None:
        raise Unavailable(
            "a .png file needs matplotlib, which is not installed: pip install 'pi-edge[desktop]';"
            " .html and .md need nothing"
        )
    from pi_edge.benchmark.page import png

    return png.document(page)
