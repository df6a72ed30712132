"""Let a model learn on this machine, in the TFLite runtime; goes on where it was interrupted."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from pi_edge import catalog, config
from pi_edge.errors import BadInput

LEARNERS = {
    "digits": "pi_edge.learning.digits",
    "regression": "pi_edge.learning.regression",
    "stocks": "pi_edge.learning.stocks",
}


EXAMPLES = """\
pi-edge learn mnist-cnn --examples               # from the digits that you put right
pi-edge learn mnist-mlp --data mnist.npz --epochs 5 --from scratch --name my-mlp
pi-edge learn stocks --prices my.csv
pi-edge learn house --data sold-in-may.csv
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="what is to learn")
    parser.add_argument("--data", type=Path, metavar="PATH", help="what to learn from")
    parser.add_argument(
        "--examples", action="store_true", help="learn from the digits that were put right in use"
    )
    parser.add_argument("--prices", type=Path, metavar="CSV", help="closing prices, for stocks")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data")
    parser.add_argument(
        "--from", dest="start", choices=("shipped", "scratch"), default="shipped",
        help="go on from what it knows (the default), or forget all of it",
    )  # fmt: skip
    parser.add_argument("--name", metavar="NEW", help="what the result is called (MODEL)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is random")
    parser.add_argument("--threads", type=int, metavar="N", help="threads one step uses (1)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder of shipped models")
    parser.add_argument("--state", type=Path, metavar="DIR", help="folder of your own models")


def run(args: argparse.Namespace) -> int:
    from pi_edge.learning import stopping, told
    from pi_edge.learning.loop import Stopped
    from pi_edge.learning.order import Order

    settings = config.load({"models": args.models, "state": args.state, "threads": args.threads})
    if args.epochs is not None and args.epochs < 1:
        raise BadInput("--epochs must be 1 or more")
    owned = catalog.owned_models(settings.state)
    entries, problems = catalog.find(settings.models, owned)
    if args.model in problems:
        raise BadInput(problems[args.model])
    entry = catalog.pick(entries, args.model)
    if entry.task not in LEARNERS:
        raise BadInput(f"{entry.name} cannot learn: nothing here teaches the task {entry.task!r}")
    name = args.name or entry.name
    catalog.place(owned, name)  # refuses what is no name
    if name in entries and entries[name].task != entry.task:
        raise BadInput(f"{name} is a model of another task: choose another --name")
    order = Order(
        entry, name, settings.state, args.data, args.epochs, args.start, args.seed,
        examples=args.examples, prices=args.prices, threads=settings.threads,
    )  # fmt: skip
    learn = importlib.import_module(LEARNERS[entry.task]).learn
    with told.learning(settings.state, name) as tell, stopping.listening() as stop:
        try:
            learn(order, tell=tell, stop=lambda: bool(stop))
        except Stopped as error:
            print(f"pi-edge: {error}", flush=True)
            return stop.status
    return 0
