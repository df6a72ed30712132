"""The digits of the latest answers, so that who was answered can say what would have been right."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # which reads photographs: imported when the first one comes
    from pi_edge.tasks.digits import Found

# A caller corrects what it has just been told. A megabyte holds 1,337 digits.
_ANSWERS = 256
_BYTES = 1 << 20


@dataclass(frozen=True)
class Seen:
    """The digits of one answer, left to right.

    Attributes:
        model, variant: who answered.
        pictures: each 28x28 bytes, as the network was given it.
        answered: what each was taken for, 0 to 9.
    """

    model: str
    variant: str
    pictures: tuple[bytes, ...]
    answered: tuple[int, ...]

    @classmethod
    def of(cls, model: str, variant: str, found: Found | None) -> Seen:
        """What a model found in a picture."""
        if found is None:
            return cls(model, variant, (), ())
        pixels = np.rint(found.images).astype(np.uint8)
        digits = found.probabilities.argmax(1)
        return cls(
            model, variant, tuple(one.tobytes() for one in pixels), tuple(int(d) for d in digits)
        )


class Recent:
    """The latest answers by their id, in memory, up to a number and a size. Safe from any thread.

    Args:
        most: answers that are remembered.
        most_bytes: what their pictures may have together.
    """

    def __init__(self, most: int = _ANSWERS, most_bytes: int = _BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._bytes = 0

    def keep(self, identity: str, seen: Seen) -> None:
        """Remember an answer; the oldest ones make room for it, unless it is too large alone."""
        with self._lock:
            self._drop(identity)
            if _size(seen) > self._most_bytes:
                return
            self._seen[identity] = seen
            self._bytes += _size(seen)
            while len(self._seen) > self._most or self._bytes > self._most_bytes:
                self._drop(next(iter(self._seen)))

    def get(self, identity: str) -> Seen | None:
        """What was seen then, None where that is not remembered."""
        with self._lock:
            return self._seen.get(identity)

    def _drop(self, identity: str) -> None:
        seen = self._seen.pop(identity, None)
        if seen:
            self._bytes -= _size(seen)


def _size(seen: Seen) -> int:
    return sum(map(len, seen.pictures))
