"""Which model families there are, and where each keeps its steps.

A family is a package with

    NAMES       the models it always makes
    FLAGS       step -> parameter -> Flag: what its steps take beyond what all take
    owned       optional, a function from the state and models folders to more names: models
                of the family that somebody made under a name of their own

and modules train, convert, verify and (optional) plot, each with a function of that name:

    train(name, *, state, **flags)                 learn, or go on; results in STATE/training/NAME
    convert(name, *, state, output, **flags)       write and measure OUTPUT/NAME
    verify(folder, **flags) -> problems            measure one model again; needs no TensorFlow
    plot(folder, *, output, **flags)               draw what NAMES[0] learned into a PNG or SVG

The package itself imports nothing heavy: asking for help reads it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pi_edge import nearest
from pi_edge.desktop.flags import Flag
from pi_edge.errors import NotFound, Unavailable, WrongUsage
from pi_edge.quiet import quiet

FAMILIES = {
    "mnist": "pi_edge.desktop.mnist",
    "stocks": "pi_edge.desktop.stocks",
    "fire-theft": "pi_edge.desktop.fire_theft",
    "regression": "pi_edge.desktop.regression",
    "style": "pi_edge.desktop.style",
}

WHAT = f"a family ({', '.join(FAMILIES)}) or the name of one of its models"


def flags(step: str) -> dict[str, Mapping[str, Flag]]:
    """Return the flags of a step for each family that has the step."""
    every = {family: _package(family).FLAGS for family in FAMILIES}
    return {family: declared[step] for family, declared in every.items() if step in declared}


def new_name(step: str, word: str, name: str | None) -> str | None:
    """Return the name given for a new model, if that is what `word`, a family, means by a name."""
    return name if "name" in flags(step).get(word, {}) else None


def resolve(word: str, folders: Sequence[Path], new: str | None = None) -> tuple[str, list[str]]:
    """Return the family and the models that `word`, a family or a model, stands for.

    Args:
        folders: where models of one's own names may be: the state and models folders.
        new: the name given to a model that may not be there yet.

    Raises:
        NotFound: nothing is called so.
        WrongUsage: the family's models have names of one's own, and none was given.
    """
    known: list[str] = []
    for family in FAMILIES:
        names = _names(family, folders)
        if word == family:
            if not (names := [new] if new else names):
                raise WrongUsage(
                    f"there is no {family} model yet: pi-edge train {family} --name NAME makes one"
                )
            return family, names
        if word in names:
            return family, [word]
        known += [family, *(name for name in names if name != family)]
    others = nearest.instead(word, known, "there are")
    raise NotFound(f"no family or model is called {word!r}{others}")


def step(family: str, name: str) -> Any:
    """Return a family's function `train`, `convert`, `verify` or `plot`."""
    return getattr(importlib.import_module(f"{FAMILIES[family]}.{name}"), name)


def desktop_step(family: str, name: str, *needed: str) -> Any:
    """Like `step`, for a step that needs more than a Pi has.

    Raises:
        Unavailable: a package of those `needed` is not installed; says what to install.
    """
    return desktop_function(f"{FAMILIES[family]}.{name}", name, *needed)


def desktop_function(module: str, name: str, *needed: str) -> Any:
    """A function of a module that needs more than a Pi has, imported without the chatter.

    Raises:
        Unavailable: a package of those `needed` is not installed; says what to install.
    """
    need(name, *needed)
    with quiet():
        found = getattr(importlib.import_module(module), name)
        if "tensorflow" in needed:
            # It looks for graphics processors at first use, and complains where there is none.
            importlib.import_module("tensorflow").config.list_physical_devices()
        return found


def need(command: str, *packages: str) -> None:
    """Make sure that what a command needs beyond what a Pi has is there.

    Raises:
        Unavailable: a package is not installed; says what to install.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise Unavailable(
                f"pi-edge {command} runs on a desktop and needs {package}, which is not installed: "
                "pip install 'pi-edge[desktop]'"
            )


def _names(family: str, folders: Sequence[Path]) -> list[str]:
    package = _package(family)
    owned = package.owned(folders) if hasattr(package, "owned") else []
    return [*package.NAMES, *(name for name in owned if name not in package.NAMES)]


def _package(family: str) -> Any:
    return importlib.import_module(FAMILIES[family])
