"""What runs on a worker. Only bytes, text and numbers travel, so that machines may differ in
Python and NumPy.

A model is opened once and stays; one piece of work is done at a time, whatever number of threads
the worker was given, because styling and inference have threads of their own.
"""

from __future__ import annotations

import functools
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pi_edge import asking, config
from pi_edge.cluster.wanted import Wanted, find, lacking
from pi_edge.errors import PiEdgeError

DONE, FAILED, REFUSED = "done", "failed", "refused"

Outcome = tuple[str, Any]
"""DONE and the result, FAILED and why, or REFUSED and what this worker lacks."""

_turn = threading.Lock()


def check(wanted: Mapping[str, Any]) -> str:
    """What this worker lacks of a ``Wanted``, "" where it lacks nothing."""
    return lacking(wanted)


def style(wanted: dict[str, Any], order: Mapping[str, Any], photo: bytes) -> Outcome:
    """A photo's file in, the picture's file out.

    Args:
        order: "ending" of the file to write, "sheet" the names of the styles where every one is
            to be shown, and what ``render.Options`` has, "style" as a list.
    """

    def work() -> bytes:
        import numpy as np

        from pi_edge.tasks.style import photo as photos
        from pi_edge.tasks.style import render, sheet

        told = dict(order)
        ending, names = told.pop("ending"), told.pop("sheet")
        options = render.Options(**{**told, "style": np.array(told["style"], np.float32)})
        stylist = _stylist(Wanted(**wanted))
        source = photos.open_photo(photo, options.max_memory)
        with tempfile.TemporaryFile(prefix="pi-edge-") as file:
            if names:
                sheet.write(stylist, source, names, options, file, ending)
            else:
                render.render(stylist, source, options, file, ending)
            file.seek(0)
            return file.read()

    return _done(work)


def answer(wanted: dict[str, Any], name: str, contents: bytes | None) -> Outcome:
    """One INPUT of `pi-edge predict` in, its answer for JSON and for a person out.

    Args:
        name: as it was typed.
        contents: of the file or stream called so; None where the name is the input itself.
    """

    def work() -> tuple[dict[str, Any], str]:
        ask = _asker(Wanted(**wanted))
        if contents is None:
            return ask(name, b"")
        if name == asking.STREAM:
            return ask(name, contents)
        with tempfile.TemporaryDirectory(prefix="pi-edge-") as folder:
            file = Path(folder) / Path(name).name  # which some answers and complaints repeat
            file.write_bytes(contents)
            try:
                return ask(str(file), b"")
            except PiEdgeError as error:
                raise type(error)(str(error).replace(str(file), name)) from error

    return _done(work)


def _done(work: Callable[[], Any]) -> Outcome:
    with _turn:
        try:
            return DONE, work()
        except _Lacking as error:
            return REFUSED, str(error)
        except PiEdgeError as error:
            return FAILED, str(error)
        except MemoryError:
            return FAILED, "there is not enough memory on the worker"
        except OSError as error:
            return FAILED, f"on the worker: {error.strerror or error}"
        except Exception as error:  # told, not raised: not every exception can travel
            return FAILED, f"the worker failed: {type(error).__name__}: {error}"


class _Lacking(Exception):
    """This worker is not what is wanted."""


def _file(wanted: Wanted) -> tuple[Any, Path, int]:
    """The model, its file, and threads; looked at again now, as it may have been replaced."""
    if reason := lacking(wanted.told()):
        raise _Lacking(reason)
    entry = find(wanted)
    return entry, entry.files[wanted.variant], wanted.threads or 0


@functools.lru_cache(maxsize=1)
def _stylist(wanted: Wanted) -> Any:
    from pi_edge.tasks.style.stylist import Stylist

    entry, file, threads = _file(wanted)
    threads = threads or config.load({"threads": _own_threads(os.cpu_count() or 1)}).threads
    return Stylist(file, entry.info["variants"][wanted.variant], threads)


@functools.lru_cache(maxsize=1)
def _asker(wanted: Wanted) -> Callable[[str, bytes], tuple[dict[str, Any], str]]:
    from pi_edge.model import Model

    entry, file, threads = _file(wanted)
    model = Model(file, threads or config.load({}).threads)

    def ask(name: str, stream: bytes) -> tuple[dict[str, Any], str]:
        return asking.asker(entry, model, lambda: stream)(name)

    return ask


def _own_threads(cores: int) -> str | int | None:
    """What styling takes here unless told: every core, or what the environment says."""
    return None if "PI_EDGE_THREADS" in os.environ else cores
