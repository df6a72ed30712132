"""One answer without a daemon: the model runs here, once for each INPUT, and says its answer."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pi_edge import asking, catalog, config, malloc, tasks
from pi_edge.cli import cluster
from pi_edge.errors import PiEdgeError, TooLarge
from pi_edge.quiet import quiet

Answered = tuple[dict[str, Any], str] | PiEdgeError
"""An answer for JSON and for a person, or why there is none."""


EXAMPLES = """\
pi-edge predict mnist-cnn photo.jpg
pi-edge predict mnist-cnn --variant int8 --json *.png
pi-edge predict stocks prices.csv
pi-edge predict fire-theft 12.5
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    takes = "; ".join(f"for models of {task} {what}" for task, what in tasks.inputs().items())
    parser.epilog = (
        f"INPUT is {takes}; for bare .tflite models a .npy file, or .npz for several inputs by "
        "name; - is standard input. Models of style make pictures: pi-edge stylize."
    )
    parser.add_argument(
        "model", metavar="MODEL", help="a model's name, as pi-edge models list says"
    )
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+", help="a file, or - for standard input"
    )
    parser.add_argument("--variant", default="", metavar="V", help="float32, float16, int8, ...")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--models", metavar="DIR", help="the folder of shipped models")
    parser.add_argument(
        "--state", metavar="DIR", help="the state folder, which holds your own models"
    )
    parser.add_argument("--threads", metavar="N", help="threads one inference may use")
    cluster.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    cluster.refuse_without(args)
    # NumPy starts threads for products of matrices, which there are none of here.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    malloc.keep_freed()
    settings = config.load({name: getattr(args, name) for name in ("models", "state", "threads")})
    entries, problems = catalog.find(settings.models, catalog.owned_models(settings.state))
    if args.model in problems:
        raise PiEdgeError(f"{args.model} cannot be used: {problems[args.model]}")
    entry = catalog.pick(entries, args.model)
    if entry.task != "tensors":
        tasks.get(entry.task)  # raises where this command is not the one
    variant, file = entry.file(args.variant)
    stdin = partial(_stdin, settings.max_body)
    if args.cluster:
        outcomes = _in_order(args, entry, variant, stdin)
    else:
        outcomes = _here(args, entry, file, settings.threads, stdin)

    answers: list[dict[str, Any]] = []
    failed = 0
    for name, outcome in zip(args.inputs, outcomes, strict=True):
        if isinstance(outcome, PiEdgeError):
            failed += 1
            print(f"pi-edge: {_about(name, str(outcome))}", file=sys.stderr)
            answers.append({"error": str(outcome)})
            continue
        answer, text = outcome
        answers.append({"model": entry.name, "variant": variant, **answer})
        if not args.json:
            print(f"{_called(name)}: {text}" if len(args.inputs) > 1 else text, flush=True)
    if args.json and not (failed and len(answers) == 1):
        _print_json(answers[0] if len(answers) == 1 else answers)
    return 1 if failed else 0


def _here(
    args: argparse.Namespace, entry: catalog.Entry, file: Path, threads: int, stdin: asking.Stream
) -> Iterator[Answered]:
    from pi_edge.model import Model  # here: asking for help must not wait for NumPy

    with quiet():  # the runtime greets whoever loads the first model
        model = Model(file, threads)
    ask = asking.asker(entry, model, stdin)
    for name in args.inputs:
        try:
            yield ask(name)
        except PiEdgeError as error:
            yield error


def _in_order(
    args: argparse.Namespace, entry: catalog.Entry, variant: str, stdin: asking.Stream
) -> Iterator[Answered]:
    """What the cluster answers, each input's answer kept until those before it are there."""
    from pi_edge.cluster import parcels

    def load(number: int) -> parcels.Parcel:
        return parcels.parcel(entry, args.inputs[number], stdin)

    kept: dict[int, Answered] = {}
    due = 0
    dealt = cluster.dealt(
        args, entry, variant, "answer", args.inputs, load, progress=args.json
    )  # else the answers themselves tell how far it is
    for number, outcome in dealt:
        kept[number] = outcome
        while due in kept:
            yield kept.pop(due)
            due += 1


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _about(name: str, error: str) -> str:
    """The error with the input's name before it, unless it begins with that (a line of a file)."""
    return error if error.startswith((name, Path(name).name)) else f"{_called(name)}: {error}"


def _stdin(limit: int) -> bytes:
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"there are more than {limit} bytes (raise max_body to allow more)")
    return data


def _print_json(document: Any) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(document).decode() + "\n")
