"""The last step of learning: what was learned goes live, unless it got worse.

It takes the path of any new version (pi_edge.adding): files and check.npz are tried, one rename
puts it in place, and what it takes the place of can be brought back.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi_edge import adding, catalog, files, model_json
from pi_edge.errors import PiEdgeError
from pi_edge.learning.order import Order


@dataclass(frozen=True)
class HeldBack:
    """How the learned model and the one in service do on what neither learned from.

    Attributes:
        what: what the two numbers are, "accuracy" say; for a person, and in model.json.
        after: of the learned model.
        before: of the model in service; None where there is none of that name.
        rows: how many examples were held back.
        higher_is_better: as accuracy is; else the lower one is, as of errors.
        chance: a difference up to this says nothing, so few are the rows.
        unit: written behind the numbers, "%" or " thefts" say.
    """

    what: str
    after: float
    before: float | None
    rows: int
    higher_is_better: bool
    chance: float = 0.0
    unit: str = ""

    @property
    def worse_by(self) -> float:
        """By how much the learned model is worse, in the unit of the numbers; NaN if one is."""
        if self.before is None:
            return math.nan if math.isnan(self.after) else 0.0
        gain = self.after - self.before
        return -gain if self.higher_is_better else gain

    def told(self) -> dict[str, Any]:
        """For model.json."""
        return {
            "what": self.what,
            "rows": self.rows,
            "before": self.before,
            "after": self.after,
            "higher_is_better": self.higher_is_better,
            "chance": self.chance,
        }


def in_service(order: Order) -> catalog.Entry | None:
    """The model that the result would take the place of; None where there is none, or none that
    can be served."""
    if order.name == order.model.name:
        return order.model
    shipped = order.model.files[order.model.default].parent.parent
    return catalog.find(shipped, catalog.owned_models(order.state))[0].get(order.name)


@contextmanager
def making(order: Order) -> Iterator[Path]:
    """A folder of the result's name to make it in; gone afterwards, whatever became of it."""
    with tempfile.TemporaryDirectory(prefix="pi-edge-learn.") as beside:
        made = Path(beside) / order.name
        made.mkdir()
        yield made


def go_live(made: Path, order: Order, document: dict[str, Any], held_back: HeldBack) -> str:
    """Let the model in ``made`` serve as ``order.name``, unless it is worse.

    Args:
        made: holds its files.
        document: its model.json, with how it was learned under "learned".

    Returns:
        A line that tells both numbers.

    Raises:
        PiEdgeError: it is worse, by how much; or it does not run, or fails its own check. The
            model in service stays what it was.
        OSError: it cannot be written.
    """
    check(order.name, held_back)
    learned = {**document["learned"], "held_back": held_back.told()}
    files.write_json(made / model_json.FILE, {**document, "learned": learned})
    owned = catalog.owned_models(order.state)
    adding.add(made, owned)
    return f"{order.name}: {_numbers(held_back)}; it is in {owned} and serves from now on"


def check(name: str, held_back: HeldBack) -> None:
    """See that what was learned is no worse than what serves.

    Raises:
        PiEdgeError: it is.
    """
    # Written so that NaN, which compares false with everything, does not go live.
    if held_back.worse_by <= held_back.chance:
        return
    raise PiEdgeError(
        f"{name} stays what it was: what was learned is worse by {held_back.worse_by:.4g}"
        f"{held_back.unit} ({_numbers(held_back)})"
    )


def _numbers(held_back: HeldBack) -> str:
    after, before = (
        f"{number:.6g}{held_back.unit}" if number is not None else ""
        for number in (held_back.after, held_back.before)
    )
    beside = f", {before} before" if before else ""
    if before and held_back.chance:
        beside += f", where up to {held_back.chance:.4g}{held_back.unit} is chance"
    return f"{held_back.what} on {held_back.rows} held back: {after}{beside}"
