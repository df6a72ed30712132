"""What tensors mean. One module a task; this table is all that the rest of pi-edge knows of them.

A task module offers:

    DEFAULT_MODEL                        the model that answers when none is named
    from_body(body, content_type)        a request from an HTTP body -> anything
    from_argument(text)                  a request from a command-line argument (a path, a number)
    answer(request, run, about)          the answer, as a dict ready for JSON; ``run`` takes and
                                         returns named arrays, ``about`` is the model's model.json
                                         (tickers, columns, ...; empty where there is none)
    to_text(answer)                      the same for a person, one or more lines

and raises BadInput for what it cannot understand.

The task style answers with pictures, not with dicts, so it is no such module: its room is
tasks/style, its command pi-edge stylize, its route server/style_route.py.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from pi_edge.errors import NotFound, WrongUsage

if TYPE_CHECKING:
    import numpy as np

Run = Callable[[Mapping[str, "np.ndarray"]], dict[str, "np.ndarray"]]

_MODULES = {
    "digits": ("pi_edge.tasks.digits", "a picture, or a .npy or JSON file with 784 numbers"),
    "stocks": ("pi_edge.tasks.stocks", "a CSV of closing prices"),
    "regression": ("pi_edge.tasks.regression", "a number, or a CSV with the model's columns"),
}


_PICTURES = {"style": "pi-edge stylize PHOTO -o OUT --style NAME"}
"""Tasks that answer with pictures, and the command that makes them."""


class Task(Protocol):
    """The shape of a task module."""

    DEFAULT_MODEL: str

    def from_body(self, body: bytes, content_type: str) -> Any: ...

    def from_argument(self, text: str) -> Any: ...

    def answer(self, request: Any, run: Run, about: Mapping[str, Any]) -> dict[str, Any]: ...

    def to_text(self, answer: Mapping[str, Any]) -> str: ...


def names() -> tuple[str, ...]:
    """The tasks there are."""
    return (*_MODULES, *_PICTURES)


def inputs() -> dict[str, str]:
    """For each task that ``get`` knows, what it takes, in a few words."""
    return {name: takes for name, (_, takes) in _MODULES.items()}


def get(name: str) -> Task:
    """The task module called ``name``, imported at the first call.

    Raises:
        NotFound: there is no such task.
        WrongUsage: it answers with pictures.
    """
    if name in _PICTURES:
        raise WrongUsage(f"pictures of the task {name} are made with {_PICTURES[name]}")
    if name not in _MODULES:
        raise NotFound(f"there is no task {name!r}; there are {', '.join(names())}")
    return cast(Task, importlib.import_module(_MODULES[name][0]))
