"""Mean losses between two lines of a training's log, painting by painting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge.desktop.style.learner import Step


class Tally:
    """Gathers what steps came to.

    Args:
        names: of the paintings, by their index.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._rows: list[tuple[float, ...]] = []
        self._flickers: list[float] = []

    def add(self, styles: NDArray[np.int64], step: Step) -> None:
        rows = zip(styles, step.content, step.style, step.variation, strict=True)
        self._rows += [tuple(map(float, row)) for row in rows]
        if step.flicker is not None:
            self._flickers.append(step.flicker)

    def take(self) -> dict[str, Any]:
        """What was gathered since the last time, as JSON has it: content, style and variation on
        average, flicker where it was looked for, and [content, style] of each painting met."""
        rows = np.array(self._rows)
        content, style, variation = (round(float(value), 4) for value in rows[:, 1:].mean(0))
        told: dict[str, Any] = {"content": content, "style": style, "variation": variation}
        if self._flickers:
            told["flicker"] = round(float(np.mean(self._flickers)), 4)
        told["paintings"] = {
            name: [round(float(value), 4) for value in own[:, 1:3].mean(0)]
            for index, name in enumerate(self.names)
            if len(own := rows[rows[:, 0] == index])
        }
        self._rows, self._flickers = [], []
        return told


def line(told: dict[str, Any]) -> str:
    """The same for people."""
    each = ", ".join(
        f"{name} {content:.2f}+{style:.2f}" for name, (content, style) in told["paintings"].items()
    )
    return f"content {told['content']:.3f}, style {told['style']:.3f} ({each})"
