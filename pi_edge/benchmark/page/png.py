"""The report's plots as one picture. Needs matplotlib, which the extra desktop has."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from textwrap import fill
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pi_edge.benchmark.page import panels, words
from pi_edge.benchmark.page.figures import Page

ALARM = {"facecolor": "#fdeceb", "edgecolor": "#b3261e", "boxstyle": "round,pad=0.4"}
INCHES, DPI = 16.0, 120
LEFT, RIGHT = (0.1, 0.38), (0.635, 0.865)
"""Where axes begin and end, as parts of the width."""
LANE, HEAD = 0.24, 0.95
"""Inches of a lane, and of what stands above and below a panel."""

Draw = Callable[[Any], None]

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": panels.SOFT,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "xtick.color": panels.SOFT,
    "hatch.linewidth": 0.6,
}


def document(page: Page) -> bytes:
    """The picture, PNG: left how latencies spread, right ratios and training."""
    with rc_context(STYLE):
        figure = _figure(page)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _figure(page: Page) -> Figure:
    models = [
        model
        for model in dict.fromkeys(key[0] for key in page.lines)
        if any(
            measured.p50_ms
            for key in panels.keys_of(page, model)
            for measured in page.lines[key].values()
        )
    ]
    drawn: list[tuple[float, Draw]] = [
        (
            _height(max(len(panels.known(one)), 2)),
            partial(panels.ratios, page=page, comparison=one),
        )
        for one in page.comparisons
    ]
    if page.trainings:
        lanes = sum(1 + len(one.noted) for one in page.trainings)
        drawn.append((_height(lanes), partial(panels.training, page=page)))
    left: list[tuple[float, Draw]] = [
        (
            _height(len(panels.keys_of(page, model)) * (len(page.machines) + 1)),
            partial(panels.distribution, page=page, model=model),
        )
        for model in models
    ]
    # What makes the left column much longer than the right one goes over to it.
    while len(left) > 1 and _sum(left) > _sum(drawn) + left[-1][0]:
        drawn.append(left.pop())
    above = _above(page)
    top = 0.75 + 0.2 * above.count("\n") + 0.5 * (page.emulated or bool(page.remarks))
    tall = max(_sum(left), _sum(drawn))
    figure = Figure((INCHES, top + tall))
    FigureCanvasAgg(figure)
    _headline(figure, page, above, top + tall)
    edge = 1 - top / (top + tall)
    _column(figure, left, tall, edge, LEFT)
    _column(figure, drawn, tall, edge, RIGHT)
    return figure


def _sum(column: list[tuple[float, Draw]]) -> float:
    return sum(height for height, _ in column)


def _column(
    figure: Figure,
    column: list[tuple[float, Draw]],
    tall: float,
    edge: float,
    ends: tuple[float, float],
) -> None:
    """Draw panels below each other, between two parts of the width."""
    used = 0.0
    for height, draw in column:
        used += height
        bottom = edge * (1 - (used - 0.6) / tall)
        share = edge * (height - HEAD) / tall
        draw(figure.add_axes((ends[0], bottom, ends[1] - ends[0], share)))


def _height(lanes: int) -> float:
    return HEAD + LANE * lanes


def _above(page: Page) -> str:
    lines = []
    for one in page.machines:
        facts = dict(one.facts)
        told = [facts["System"], f"kernel {facts['Kernel']}", facts["Runtime"], one.measured]
        told += [f"{name.lower()}: {facts[name]}" for name in ("Temperature", "Throttled")]
        lines.append(fill(f"{words.machine(one)}: {', '.join(told)}", 190))
    return "\n".join(lines)


def _headline(figure: Figure, page: Page, above: str, tall: float) -> None:
    figure.text(0.012, 1 - 0.12 / tall, words.title(page), fontsize=14, weight="bold", va="top")
    figure.text(0.012, 1 - 0.42 / tall, above, color=panels.SOFT, va="top", linespacing=1.35)
    said = [f"{words.machine(one)}: {warning}" for one in page.machines for warning in one.warnings]
    if said or page.remarks:
        down = 0.62 + 0.2 * (above.count("\n") + 1)
        text = fill("; ".join([*said, *page.remarks]), 170)
        figure.text(0.018, 1 - down / tall, text, weight="bold", va="center", bbox=ALARM)
