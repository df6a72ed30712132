"""Which model families there are, and where each keeps its steps.

A family is a package with NAMES, the models it makes, and the modules train, convert and
verify, each with a function of that name that takes a model's name and does one step.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from pi_edge.desktop.quiet import quiet
from pi_edge.errors import NotFound, Unavailable

FAMILIES = {
    "mnist": "pi_edge.desktop.mnist",
}

WHAT = f"a family ({', '.join(FAMILIES)}) or the name of one of its models"


def models(word: str) -> list[tuple[str, str]]:
    """Return (package, model) for each model that `word`, a family or a model, stands for."""
    known: list[str] = []
    for family, package in FAMILIES.items():
        names = importlib.import_module(package).NAMES
        if word == family:
            return [(package, name) for name in names]
        if word in names:
            return [(package, word)]
        known += [family, *names]
    raise NotFound(f"no family or model is called {word!r}; there are {', '.join(known)}")


def step(package: str, name: str) -> Any:
    """Return a family's function `train`, `convert` or `verify`."""
    return getattr(importlib.import_module(f"{package}.{name}"), name)


def tensorflow_step(package: str, name: str) -> Any:
    """Like `step`, for a step that needs TensorFlow."""
    need_tensorflow(name)
    with quiet():
        return step(package, name)


def need_tensorflow(name: str) -> None:
    """Raise a line that says what to install, where the desktop step `name` cannot run."""
    for needed in ("tensorflow", "tqdm"):
        if importlib.util.find_spec(needed) is None:
            raise Unavailable(
                f"pi-edge {name} runs on a desktop and needs {needed}, which is not installed: "
                "pip install 'pi-edge[desktop]'"
            )
