"""What a handle needs of those who loaded its variant: a new worker, and somebody who counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from pi_edge import catalog, proving
from pi_edge.ledger import Counts
from pi_edge.proving import Bench
from pi_edge.workers.process import Process


class Tally:
    """Inferences done and failed by model and variant, whatever becomes of their handles.

    Args:
        on_inference: called after each inference done.
    """

    def __init__(self, on_inference: Callable[[], None] = lambda: None) -> None:
        self.done = on_inference
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], list[int]] = {}

    def of(self, name: str, version: str) -> list[int]:
        """The numbers to add to, done and failed; only on the event loop."""
        with self._lock:
            return self._counts.setdefault((name, version), [0, 0])

    def counts(self) -> Counts:
        """All of it, since the start."""
        with self._lock:
            return {key: (done, failed) for key, (done, failed) in self._counts.items()}


@dataclass(frozen=True)
class Serving:
    """Stands behind one handle; see handle.Server.

    Attributes:
        sha256: of the file that its worker serves.
        counts: the variant's numbers in the Tally.
        done: called after each inference done.
        quarantine: takes the variant out of service, with the reason.
    """

    bench: Bench
    entry: catalog.Entry
    version: str
    sha256: str
    counts: list[int]
    done: Callable[[], None]
    quarantine: Callable[[str], None]

    def restart(self) -> Process:
        return proving.restart(self.bench, self.entry, self.version, self.sha256)

    def counted(self, succeeded: bool) -> None:
        self.counts[not succeeded] += 1
        if succeeded:
            self.done()

    def broken(self, reason: str) -> None:
        self.quarantine(reason)
