"""What somebody asked to be learned, as every task's learner is told it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pi_edge import catalog

SCRATCH, SHIPPED = "scratch", "shipped"


@dataclass(frozen=True)
class Order:
    """One `pi-edge learn`.

    Attributes:
        model: what to start from, or whose network to train.
        name: of the result, which goes live in STATE/models.
        state: the state folder.
        data: file or folder to learn from; None for what the task finds by itself.
        epochs: times to go through the data; None for the task's own number.
        start: SCRATCH to forget what the model knows, SHIPPED to go on from it.
        seed: of all that is drawn by chance.
        examples: learn from the examples that were kept from use.
        prices: a CSV of closing prices.
        threads: that the runtime may use.
    """

    model: catalog.Entry
    name: str
    state: Path
    data: Path | None = None
    epochs: int | None = None
    start: str = SHIPPED
    seed: int = 0
    examples: bool = False
    prices: Path | None = None
    threads: int = 1

    def kept(self) -> Path:
        """The folder of what it goes on from where it was interrupted."""
        folder = self.state / "learning" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
