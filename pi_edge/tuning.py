"""How a model is best run on this machine, as `pi-edge tune` has found out."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass

from pi_edge import runtime
from pi_edge.ledger import Ledger


@dataclass(frozen=True)
class Tuning:
    """How the runtime runs a model.

    Attributes:
        threads: threads one inference may use.
        xnnpack: whether XNNPACK's kernels run what they can, else the runtime's own do.
        batch: most rows, of requests that wait for each other, that are computed together.
    """

    threads: int = 1
    xnnpack: bool = True
    batch: int = 1

    def __str__(self) -> str:
        words = ["1 thread" if self.threads == 1 else f"{self.threads} threads"]
        if not self.xnnpack:
            words.append("without XNNPACK")
        if self.batch > 1:
            words.append(f"{self.batch} together")
        return ", ".join(words)


def keep(ledger: Ledger, sha256: str, default: Tuning, best: Tuning) -> None:
    """Keep what is best for the file of this SHA-256 where ``default`` is what the settings say."""
    ledger.tune(_key(sha256, default), json.dumps(asdict(best)))


def known(ledger: Ledger, sha256: str, default: Tuning) -> Tuning:
    """What is best for the file; ``default`` where that was not measured here with this runtime
    and these settings."""
    told = ledger.tuned(_key(sha256, default))
    try:
        return Tuning(**json.loads(told)) if told else default
    except (ValueError, TypeError):  # of another version of pi-edge
        return default


def _key(sha256: str, default: Tuning) -> str:
    # An SD card may move on to another board.
    machine = f"{platform.machine()} {os.cpu_count()}"
    return f"{sha256} {' '.join(runtime.describe().values())} {machine} {default}"
