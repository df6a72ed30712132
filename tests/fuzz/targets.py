"""Which targets there are, and what a module in fuzz_targets/ offers:

check(data)     give ``data`` to the code; whatever it raises is a finding
WORDS           byte strings that mean something to that code
LENGTH          bytes of the longest input
MEGABYTES       resident memory that the process may reach
MUTATOR         what changes one input into another, where that is not json_mutator.mutator
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from starlette.exceptions import HTTPException

from pi_edge.errors import PiEdgeError

FUZZ = Path(__file__).resolve().parent

SECONDS = 20
"""Longer than any input may take, on a busy machine too."""


def names() -> list[str]:
    return sorted(path.stem for path in (FUZZ / "fuzz_targets").glob("[a-z]*.py"))


def folders(target: str) -> list[Path]:
    """Where inputs of a target lie: seeds, and what once failed."""
    both = (FUZZ / "corpus" / target, FUZZ / "crashes" / target)
    return [folder for folder in both if folder.is_dir()]


def inputs(target: str) -> list[Path]:
    return sorted(path for folder in folders(target) for path in folder.iterdir())


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What the code may raise about what it is given: an error with a line for its sender."""
    try:
        yield
    except PiEdgeError as error:
        _one_line(str(error))
    except HTTPException as error:
        _one_line(error.detail)


def _one_line(message: str) -> None:
    assert message.strip(), "an error says nothing"
