"""Inputs of `pi-edge predict` made ready to travel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pi_edge import asking, catalog, tasks
from pi_edge.errors import BadInput, NotFound
from pi_edge.tasks.text_files import MAX_BYTES

Parcel = tuple[str, bytes | None]
"""An INPUT as it was typed and what the file called so holds; None where it is no file's name."""


def parcel(entry: catalog.Entry, name: str, stream: Callable[[], bytes]) -> Parcel:
    """The INPUT ``name`` for a model.

    Args:
        stream: reads standard input.

    Raises:
        NotFound, BadInput, TooLarge: what is said of such an input on this machine.
    """
    if name == asking.STREAM:
        return name, stream()
    if entry.task == "regression" and _numbers(name):
        return name, None
    try:
        with Path(name).open("rb") as file:
            contents = file.read() if entry.task == "tensors" else file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        _complain(entry, name)
        raise BadInput(f"cannot read it: {error}") from error
    if entry.task != "tensors" and len(contents) > MAX_BYTES:
        _complain(entry, name)
    return name, contents


def _complain(entry: catalog.Entry, name: str) -> None:
    """Raise what this machine says of a file that it cannot read, or not whole."""
    if entry.task != "tensors":
        tasks.get(entry.task).from_argument(name)
    elif not Path(name).exists():
        raise NotFound("there is no such file")


def _numbers(text: str) -> bool:
    try:
        return bool([float(part) for part in text.split(",")])
    except ValueError:
        return False
