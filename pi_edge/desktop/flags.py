"""Flags that a family's steps take. Each family declares its own, out of these and new ones."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pi_edge.errors import WrongUsage


@dataclass(frozen=True)
class Flag:
    """One flag of the command line.

    Attributes:
        option: as it is typed, "--seed".
        settings: what argparse is told of it; never a default: a step has its own.
    """

    option: str
    settings: Mapping[str, Any]


def flag(option: str, **settings: Any) -> Flag:
    return Flag(option, MappingProxyType(settings))


def at_least(least: int) -> Any:
    """A type for argparse: a whole number, not below ``least``."""

    def number(text: str) -> int:
        if (value := int(text)) < least:
            raise argparse.ArgumentTypeError(f"{text} is too small: at least {least} is needed")
        return value

    number.__name__ = "int"  # what argparse says was expected
    return number


DATA = flag("--data", type=Path, metavar="PATH", help="the data file, or its folder")
SEED = flag("--seed", type=at_least(0), metavar="N", help="decides every random draw (0)")
EPOCHS = flag("--epochs", type=at_least(1), metavar="N", help="instead of the recipe's own")
FRESH = flag("--fresh", action="store_true", help="forget an earlier training")
NAME = flag(
    "--name", metavar="NAME", help="what the new model, or the new painting's style, will be called"
)


def add(parser: argparse.ArgumentParser, families: Mapping[str, Mapping[str, Flag]]) -> None:
    """Declare the flags of all families, each once; one that is not given leaves no trace.

    Args:
        families: family -> parameter of its step -> the flag that sets it. Two families may have
            the same option for parameters of different names.
    """
    users: dict[str, list[str]] = {}
    known: dict[str, Flag] = {}
    for family, declared in families.items():
        for one in declared.values():
            users.setdefault(one.option, []).append(family)
            known.setdefault(one.option, one)
    for option, one in known.items():
        settings = dict(one.settings)
        settings["help"] += f" (for {', '.join(users[option])})"
        parser.add_argument(option, dest=place(one), default=argparse.SUPPRESS, **settings)


def given(
    args: argparse.Namespace, family: str, families: Mapping[str, Mapping[str, Flag]]
) -> dict[str, Any]:
    """The parameters for a step of ``family``, out of the flags that were given.

    Raises:
        WrongUsage: one was given that only other families have.
    """
    own = {one.option for one in families[family].values()}
    for declared in families.values():
        for one in declared.values():
            if hasattr(args, place(one)) and one.option not in own:
                raise WrongUsage(f"{family} has no {one.option}")
    return {
        name: getattr(args, place(one))
        for name, one in families[family].items()
        if hasattr(args, place(one))
    }


def place(one: Flag) -> str:
    """Where argparse keeps a flag's value: --learning-rate in learning_rate."""
    return one.option.lstrip("-").replace("-", "_")
