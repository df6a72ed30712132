"""One answer without a daemon: the model runs here, once for each INPUT, and says its answer."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pi_edge import catalog, config, malloc, tasks
from pi_edge.errors import BadInput, NotFound, PiEdgeError, TooLarge
from pi_edge.quiet import quiet

if TYPE_CHECKING:
    from pi_edge.model import Model

Ask = Callable[[str], tuple[dict[str, Any], str]]
"""From an INPUT to the answer for JSON and the same for a person."""


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


def run(args: argparse.Namespace) -> int:
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
    from pi_edge.model import Model  # here: asking for help must not wait for NumPy

    with quiet():  # the runtime greets whoever loads the first model
        model = Model(file, settings.threads)
    ask = _asker(entry, model, settings.max_body)

    answers: list[dict[str, Any]] = []
    failed = 0
    for name in args.inputs:
        try:
            answer, text = ask(name)
        except PiEdgeError as error:
            failed += 1
            print(f"pi-edge: {_about(name, str(error))}", file=sys.stderr)
            answers.append({"error": str(error)})
            continue
        answers.append({"model": entry.name, "variant": variant, **answer})
        if not args.json:
            print(f"{_called(name)}: {text}" if len(args.inputs) > 1 else text, flush=True)
    if args.json and not (failed and len(answers) == 1):
        _print_json(answers[0] if len(answers) == 1 else answers)
    return 1 if failed else 0


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _about(name: str, error: str) -> str:
    """The error with the input's name before it, unless it begins with that (a line of a file)."""
    return error if error.startswith((name, Path(name).name)) else f"{_called(name)}: {error}"


def _asker(entry: catalog.Entry, model: Model, limit: int) -> Ask:
    if entry.task == "tensors":
        return lambda name: _tensors(model, name, limit)
    task = tasks.get(entry.task)

    def ask(name: str) -> tuple[dict[str, Any], str]:
        request = task.from_body(_stdin(limit), "") if name == "-" else task.from_argument(name)
        answer = task.answer(request, model.run, entry.info)
        return answer, task.to_text(answer)

    return ask


def _stdin(limit: int) -> bytes:
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"there are more than {limit} bytes (raise max_body to allow more)")
    return data


def _tensors(model: Model, name: str, limit: int) -> tuple[dict[str, Any], str]:
    outputs = model.run(_arrays(model, name, limit))
    lines = [f"{key} {array.dtype}{list(array.shape)}\n{array}" for key, array in outputs.items()]
    return {"outputs": {key: array.tolist() for key, array in outputs.items()}}, "\n".join(lines)


def _arrays(model: Model, name: str, limit: int) -> Mapping[str, Any]:
    """The arrays of a .npy or .npz file by input name, in the dtypes that the model takes."""
    import zipfile

    import numpy as np

    try:
        loaded = np.load(
            io.BytesIO(_stdin(limit)) if name == "-" else Path(name), allow_pickle=False
        )
        arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else None
    except FileNotFoundError:
        raise NotFound("there is no such file") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"this is no .npy or .npz file of numbers: {error}") from error
    if arrays is None:
        if len(model.inputs) != 1:
            names = ", ".join(spec.name for spec in model.inputs)
            raise BadInput(
                f"the model takes several inputs ({names}): send an .npz that names them"
            )
        arrays = {model.inputs[0].name: loaded}
    for spec in model.inputs:
        given = arrays.get(spec.name)
        if given is not None and np.can_cast(given.dtype, spec.dtype, "same_kind"):
            arrays[spec.name] = given.astype(spec.dtype)
    return arrays


def _print_json(document: Any) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(document).decode() + "\n")
