"""Let a model learn on this machine, inside the TFLite runtime. What it has learned serves if it
is no worse than before; pi-edge models rollback brings back what was."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from pi_edge import catalog, config
from pi_edge.desktop.quiet import quiet
from pi_edge.errors import BadInput, PiEdgeError, WrongUsage

LEARNERS = {"regression": "pi_edge.learning.regression"}
"""Task -> the module whose ``learn`` does it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="what is to learn")
    parser.add_argument("--data", type=Path, metavar="PATH", help="what it learns from")
    parser.add_argument(
        "--from",
        dest="start",
        choices=("scratch", "shipped"),
        default="shipped",
        help="forget what the model knows, or go on from it (default)",
    )
    parser.add_argument(
        "--name", metavar="NEW", help="what the result is called (the model's own name)"
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of shipped models")
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="folder whose models/ are your own"
    )


def run(args: argparse.Namespace) -> int:
    settings = config.load({"models": args.models, "state": args.state})
    entries, problems = catalog.find(settings.models, catalog.owned_models(settings.state))
    if args.model in problems:
        raise PiEdgeError(problems[args.model])
    model = catalog.pick(entries, args.model)
    if model.task not in LEARNERS:
        able = ", ".join(LEARNERS)
        raise WrongUsage(f"{model.name} is of the task {model.task}; those that learn: {able}")
    name = args.name or model.name
    if name in entries and entries[name].task != model.task:
        raise BadInput(f"{name} is a model of another task: choose another --name")
    catalog.place(catalog.owned_models(settings.state), name)

    from pi_edge.learning.order import Order

    order = Order(
        model=model,
        name=name,
        state=settings.state,
        data=args.data,
        start=args.start,
        threads=settings.threads,
    )
    failed = None
    with quiet():  # the runtime greets whoever loads the first model
        learn = importlib.import_module(LEARNERS[model.task]).learn
        try:
            learn(order, print)
        except PiEdgeError as error:  # raised below, or the greeting would be shown too
            failed = error
    if failed is not None:
        raise failed
    return 0
