"""What ``watch``, ``camera`` and ``button`` have in common: which model looks, and where."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from pi_edge import catalog, config, malloc
from pi_edge.errors import PiEdgeError, WrongUsage

if TYPE_CHECKING:
    from pi_edge.integrations.painting import Painter
    from pi_edge.integrations.reading import Reader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="MODEL", help="(mnist-cnn, or style)")
    parser.add_argument("--variant", default="", metavar="V", help="float32, float16, int8, ...")
    style = parser.add_argument_group("styles")
    style.add_argument(
        "--style", metavar="NAME", help="one of the model's, or a mix as in udnie=0.5,scream=0.5"
    )
    style.add_argument(
        "--strength", type=float, default=1.0, metavar="S", help="from 0, the photo, to 1 (default)"
    )
    style.add_argument("--preserve-color", action="store_true", help="keep the photo's colours")
    where = parser.add_argument_group("where the model runs")
    where.add_argument(
        "--url", help="in the daemon there (http://127.0.0.1:8080), not in this process"
    )
    where.add_argument("--models", metavar="DIR", help="the folder of shipped models")
    where.add_argument(
        "--state", metavar="DIR", help="the state folder, which holds your own models"
    )
    where.add_argument("--threads", metavar="N", help="threads one inference may use")


def task_of(args: argparse.Namespace) -> str:
    """The task of the model that is asked for: digits, style or tensors."""
    if args.style and not args.model:
        return "style"
    if not args.model:
        return "digits"
    if args.url:
        from pi_edge.integrations.daemon_client import DaemonClient

        models = DaemonClient(args.url, settings(args)).status()["models"]
        if args.model not in models:
            raise PiEdgeError(f"the daemon has no model {args.model!r}: it has {', '.join(models)}")
        return str(models[args.model].get("task", "tensors"))
    return _entry(args, args.model).task


def reader(args: argparse.Namespace) -> Reader:
    """What reads pictures."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    malloc.keep_freed()
    from pi_edge.integrations import reading

    if args.url:
        from pi_edge.integrations.daemon_client import DaemonClient

        if task_of(args) != "digits":
            raise WrongUsage(
                f"--url is for models of digits and style: leave it out for {args.model}"
            )
        client = DaemonClient(args.url, settings(args))
        return reading.DaemonReader(client, args.model or "", args.variant)
    entry = _entry(args, args.model or "mnist-cnn")
    return reading.OwnReader(entry, args.variant, settings(args).threads)


def painter(args: argparse.Namespace) -> Painter:
    """What paints photos."""
    if not args.style:
        raise WrongUsage("name a --style, or a mix as in udnie=0.5,scream=0.5")
    if not 0 <= args.strength <= 1:
        raise WrongUsage(f"--strength must be from 0 to 1, not {args.strength:g}")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from pi_edge.integrations import painting
    from pi_edge.tasks.style import choice

    how = args.strength, args.preserve_color
    if args.url:
        from pi_edge.integrations.daemon_client import DaemonClient

        client = DaemonClient(args.url, settings(args))
        return painting.DaemonPainter(client, args.model or "", args.variant, args.style, *how)
    entry = _entry(args, args.model or "style")
    mix = choice.parse(args.style) if "=" in args.style else {args.style: 1.0}
    threads = config.load({"threads": args.threads or os.cpu_count() or 1}).threads
    return painting.OwnPainter(entry, args.variant, threads, mix, *how)


def settings(args: argparse.Namespace) -> config.Config:
    return config.load({name: getattr(args, name) for name in ("models", "state", "threads")})


def _entry(args: argparse.Namespace, name: str) -> catalog.Entry:
    folders = settings(args)
    entries, problems = catalog.find(folders.models, catalog.owned_models(folders.state))
    if name in problems:
        raise PiEdgeError(f"{name} cannot be used: {problems[name]}")
    return catalog.pick(entries, name)
