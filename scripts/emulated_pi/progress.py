"""What is going on, for whoever waits: on a terminal a bar, elsewhere one line a step."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_WIDTH = 24


def say(text: str) -> None:
    """One line on stderr."""
    print(f"emulated-pi: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str, expected: float) -> Iterator[None]:
    """A step of the work: a line with its seconds when it is done.

    On a terminal a bar fills meanwhile; it is an estimate and waits at nine tenths for the end.

    Args:
        expected: how many seconds this took on a machine with two cores.
    """
    began = time.monotonic()
    done = threading.Event()
    drawing = threading.Thread(target=_draw, args=(text, expected, began, done), daemon=True)
    if sys.stderr.isatty():
        drawing.start()
    try:
        yield
    except BaseException:
        _finish(drawing, done)
        raise
    _finish(drawing, done)
    say(f"{text}: {time.monotonic() - began:.0f} s")


def _finish(drawing: threading.Thread, done: threading.Event) -> None:
    done.set()
    if drawing.ident is not None:
        drawing.join()


def _draw(text: str, expected: float, began: float, done: threading.Event) -> None:
    while not done.wait(0.2):
        seconds = time.monotonic() - began
        filled = int(_WIDTH * min(0.9, seconds / expected))
        bar = "█" * filled + "░" * (_WIDTH - filled)
        print(f"\r\x1b[Kemulated-pi: {bar} {text}, {seconds:.0f} s", end="", file=sys.stderr)
        sys.stderr.flush()
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)
