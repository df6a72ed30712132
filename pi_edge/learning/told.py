"""What a learning in progress tells, and that there is only one of them on a machine.

Whoever learns holds a lock, STATE/learning/lock, for as long as its process lives (flock(2)), and
writes how far it is to STATE/learning/progress.json. A learner that was killed leaves that file
behind; without the lock it tells nothing.

The daemon imports this: nothing heavy is imported here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pi_edge.errors import Unavailable

logger = logging.getLogger(__name__)

# Seconds between two writings: it is to be looked at, and the SD card wears out.
EVERY = 2.0
# Who reads holds the lock for microseconds, and only where somebody was killed: so often, and so
# many seconds apart, is it tried again before it counts as another learner's.
_TRIES, _APART = 10, 0.02


@dataclass(frozen=True)
class Told:
    """How far a learner is.

    Attributes:
        name: of the model that will come of it.
        epoch: the one it is in, from 1; 0 before the first.
        epochs: how many there will be.
        loss: lately; None where that is not known, or is no number any more.
        accuracy: share that was right lately, 0 to 1; None where the model has none.
        seconds_left: None while that is not known.
        since: seconds since it began.
        pid: its process.
    """

    name: str
    epoch: int
    epochs: int
    loss: float | None
    accuracy: float | None
    seconds_left: float | None
    since: float
    pid: int


class Tell(Protocol):
    """Says how far it is; as Told has it."""

    def __call__(
        self,
        *,
        epoch: int,
        epochs: int,
        loss: float | None = None,
        accuracy: float | None = None,
        seconds_left: float | None = None,
    ) -> None: ...


@contextlib.contextmanager
def learning(state: Path, name: str) -> Iterator[Tell]:
    """Be the one who learns.

    Args:
        state: the state folder.
        name: of the model that will come of it.

    Yields:
        What to call as often as you like: it is written down at most every EVERY seconds.

    Raises:
        Unavailable: another process learns.
        OSError: the state folder cannot be written.
    """
    folder = _folder(state)
    folder.mkdir(parents=True, exist_ok=True)
    # Read only: that does for a lock, and whoever may read it may learn.
    lock = os.open(folder / "lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(lock, state)
        began = time.monotonic()  # one clock for all processes, since the machine's start
        last = -math.inf

        def tell(
            *,
            epoch: int,
            epochs: int,
            loss: float | None = None,
            accuracy: float | None = None,
            seconds_left: float | None = None,
        ) -> None:
            nonlocal last
            now = time.monotonic()
            if now < last + EVERY:
                return
            last = now
            _write(
                folder,
                {
                    "name": name,
                    "epoch": epoch,
                    "epochs": epochs,
                    "loss": _number(loss),
                    "accuracy": _number(accuracy),
                    "seconds_left": _number(seconds_left),
                    "began": began,
                    "pid": os.getpid(),
                },
            )

        tell(epoch=0, epochs=0)
        last = -math.inf
        try:
            yield tell
        finally:
            (folder / "progress.json").unlink(missing_ok=True)
    finally:
        os.close(lock)  # frees it, unless a child holds it too


def read(state: Path) -> Told | None:
    """What the learner at work tells; None where nobody learns.

    Costs one look for a file where nobody does. Anything that keeps it from being read counts as
    nobody: a daemon does not end for it.
    """
    folder = _folder(state)
    try:
        told = json.loads((folder / "progress.json").read_bytes())
        if not _is_held(folder / "lock"):
            return None
        return Told(
            str(told["name"]),
            int(told["epoch"]),
            int(told["epochs"]),
            _number(told["loss"]),
            _number(told["accuracy"]),
            _number(told["seconds_left"]),
            round(time.monotonic() - float(told["began"]), 1),
            int(told["pid"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.debug("what the learner tells cannot be read: %s", error)
        return None


def in_words(told: Mapping[str, Any]) -> str:
    """One line for a person.

    Args:
        told: as /status has it: the fields of Told, of which a daemon of another version may have
            others.
    """
    parts = [f"learning {told.get('name')}"]
    if told.get("epoch"):
        parts.append(f"epoch {told['epoch']} of {told.get('epochs')}")
    if told.get("loss") is not None:
        parts.append(f"loss {told['loss']:.4f}")
    if told.get("accuracy") is not None:
        parts.append(f"accuracy {told['accuracy']:.2%}")
    if (left := told.get("seconds_left")) is not None:
        parts.append(f"{left:.0f} s left" if left < 90 else f"{left / 60:.0f} min left")
    return ", ".join(parts)


def _folder(state: Path) -> Path:
    return state / "learning"


def _take(lock: int, state: Path) -> None:
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if left:
                time.sleep(_APART)
    other = read(state)
    who = f"{other.name} is being learned (process {other.pid})" if other else "another one learns"
    stop = f"stop it with kill {other.pid}" if other else "stop it"
    raise Unavailable(f"{who}, and one at a time is enough for a machine: wait, or {stop}")


def _is_held(path: Path) -> bool:
    """Whether somebody learns."""
    lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _write(folder: Path, document: dict[str, Any]) -> None:
    """Write it beside and rename it. Not synced: after a power cut it tells nothing anyway."""
    beside = folder / ".progress.json"
    try:
        beside.write_text(json.dumps(document, allow_nan=False))
        beside.replace(folder / "progress.json")
    except OSError as error:  # a full disk: learning goes on
        logger.debug("how far learning is cannot be written: %s", error)


def _number(value: float | None) -> float | None:
    """A number as JSON has it; None for what JSON has not."""
    return None if value is None or not math.isfinite(value) else float(value)
