"""Convert trained networks, or a network of your own, to TFLite, measure every file, and write
model.json beside them."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

from pi_edge import catalog, config
from pi_edge.desktop import families, flags, own
from pi_edge.errors import BadInput, WrongUsage

OWN = "a network of your own"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


EXAMPLES = """\
pi-edge convert mnist
pi-edge convert house
pi-edge convert my.keras --name mine             # a network of your own
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("family", metavar="WHAT", help=f"{families.WHAT}, or {own.WHAT}")
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the training was kept")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="the models folder to write to (STATE/models)"
    )
    flags.add(parser, _flags())


def run(args: argparse.Namespace) -> int:
    settings = config.load({"state": args.state})
    output = args.output or catalog.owned_models(settings.state)
    if own.meant(args.family):
        return _own(Path(args.family).expanduser(), args, settings, output)
    folders = [settings.state, settings.models]
    named = families.new_name("convert", args.family, getattr(args, "name", None))
    family, names = families.resolve(args.family, folders, named)
    given = flags.given(args, family, _flags())
    given.pop("name", None)
    convert = families.desktop_step(family, "convert", "tensorflow", "tqdm")
    for name in names:
        convert(name, state=settings.state, output=output, **given)
    return 0


def _flags() -> dict[str, Any]:
    return {**families.flags("convert"), OWN: own.FLAGS}


def _own(path: Path, args: argparse.Namespace, settings: config.Config, output: Path) -> int:
    given = flags.given(args, OWN, _flags())
    name = given.pop("name", None)
    if name is None:
        raise WrongUsage("say what the model is to be called: --name NAME")
    if not _NAME.fullmatch(name):
        raise WrongUsage(
            f"{name!r} cannot be a model's name: take letters, digits and -_. behind the first"
        )
    own.kind(path)  # a wrong path is told before anything heavy is imported
    if "labels" in given:
        given["labels"] = _lines(given["labels"])
    if (settings.models / name).is_dir() and args.output is None:
        print(f"{name} will be served instead of the shipped model of that name", flush=True)
    convert = families.desktop_function("pi_edge.desktop.own.convert", "convert", "tensorflow")
    convert(
        path,
        name,
        output=output,
        examples=settings.models / "mnist-cnn" / "check.npz",
        command=_command(path, args),
        **given,
    )
    return 0


def _command(path: Path, args: argparse.Namespace) -> str:
    """The command as it can be given again; folders by their last name, for model.json travels."""
    words = ["pi-edge", "convert", path.name]
    for one in own.FLAGS.values():
        value = getattr(args, flags.place(one), None)
        if value is not None:
            words += [one.option, value.name if isinstance(value, Path) else str(value)]
    return shlex.join(words)


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as text: {error}") from error
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise BadInput(f"{path} holds no labels: write one a line")
    return names
