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
from matplotlib.ticker import FixedLocator, NullLocator

from pi_edge.benchmark.page import scale, words
from pi_edge.benchmark.page.figures import Comparison, Key, Page
from pi_edge.benchmark.table import number
from pi_edge.benchmark.training import NOTED_WHEN

# Okabe and Ito (2008), light ones darkened until they stand out from white; as on the HTML page.
COLOURS = ("#0072b2", "#d55e00", "#00805d", "#b0528b", "#8a6400", "#3f3f3f")
MARKS = ("o", "s", "^", "D", "v", "P")
SOFT, RULE = "#595959", "#d4d4d4"
ALARM = {"facecolor": "#fdeceb", "edgecolor": "#b3261e", "boxstyle": "round,pad=0.4"}
HATCH = "/////"
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
    "axes.edgecolor": SOFT,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "xtick.color": SOFT,
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
        if any(one.p50_ms for key in _keys(page, model) for one in page.lines[key].values())
    ]
    drawn: list[tuple[float, Draw]] = [
        (_height(max(len(_known(one)), 2)), partial(_ratios, page=page, comparison=one))
        for one in page.comparisons
    ]
    if page.trainings:
        lanes = sum(1 + len(one.noted) for one in page.trainings)
        drawn.append((_height(lanes), partial(_training, page=page)))
    left: list[tuple[float, Draw]] = [
        (
            _height(len(_keys(page, model)) * (len(page.machines) + 1)),
            partial(_distribution, page=page, model=model),
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


def _sum(panels: list[tuple[float, Draw]]) -> float:
    return sum(height for height, _ in panels)


def _column(
    figure: Figure,
    panels: list[tuple[float, Draw]],
    tall: float,
    edge: float,
    ends: tuple[float, float],
) -> None:
    """Draw panels below each other, between two parts of the width."""
    used = 0.0
    for height, draw in panels:
        used += height
        bottom = edge * (1 - (used - 0.6) / tall)
        share = edge * (height - HEAD) / tall
        draw(figure.add_axes((ends[0], bottom, ends[1] - ends[0], share)))


def _height(lanes: int) -> float:
    return HEAD + LANE * lanes


def _keys(page: Page, model: str) -> list[Key]:
    return [key for key in page.lines if key[0] == model]


def _known(comparison: Comparison) -> list[Key]:
    return [key for key, one in comparison.lines.items() if one.ratio]


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
    figure.text(0.012, 1 - 0.42 / tall, above, color=SOFT, va="top", linespacing=1.35)
    said = [f"{words.machine(one)}: {warning}" for one in page.machines for warning in one.warnings]
    if said or page.remarks:
        down = 0.62 + 0.2 * (above.count("\n") + 1)
        text = fill("; ".join([*said, *page.remarks]), 170)
        figure.text(0.018, 1 - down / tall, text, weight="bold", va="center", bbox=ALARM)


def _distribution(axes: Any, page: Page, model: str) -> None:
    keys = _keys(page, model)
    every = [one for key in keys for one in page.lines[key].values() if one.p50_ms]
    ends = [value for one in every for value in (one.p50_ms, one.p99_ms) if value]
    ends += [scale.quantile(sorted(one.samples_ms), 0.005) for one in every if one.samples_ms]
    axis = scale.around(ends)
    _log(axes, axis)
    y = 0.0
    for key in keys:
        y -= 1
        heading = f"{key[1]}, {words.threads_of(key[2])}"
        axes.text(-0.02, y + 0.35, heading, ha="right", va="center", weight="bold",
                  transform=axes.get_yaxis_transform())  # fmt: skip
        for index, machine in enumerate(page.machines):
            y -= 1
            name = f"{machine.letter}, emulated" if machine.emulated else machine.letter
            axes.text(-0.02, y + 0.35, name, ha="right", va="center",
                      transform=axes.get_yaxis_transform())  # fmt: skip
            told = _lane(axes, axis, page, key, index, y)
            axes.text(1.02, y + 0.35, told, ha="left", va="center",
                      transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_ylim(y - 0.1, 0)
    axes.set_title(model)
    sampled = any(one.samples_ms for one in every)
    shape = "shape: how often; " if sampled else ""
    axes.set_xlabel(
        f"ms for one inference, logarithmic; lower is better\n"
        f"{shape}mark: p50, thick line to p95, thin line to p99",
        color=SOFT,
    )


def _lane(axes: Any, axis: scale.Log, page: Page, key: Key, index: int, y: float) -> str:
    """Draw one machine's latencies on the lane at ``y``; return what to write beside it."""
    machine = page.machines[index]
    measured = page.lines[key].get(machine.letter)
    if measured is None or not (measured.p50_ms and measured.p95_ms and measured.p99_ms):
        return "did not work" if measured else "not measured"
    colour, line = COLOURS[index % len(COLOURS)], ":" if machine.emulated else "-"
    heights = axis.histogram(measured.samples_ms)
    if heights:
        span = axis.high / axis.low
        edges = [axis.low * span ** (i / len(heights)) for i in range(len(heights) + 1)]
        look: dict[str, Any] = {"facecolor": colour, "alpha": 0.4, "linewidth": 0}
        if machine.emulated:
            look = {"facecolor": "none", "edgecolor": colour, "hatch": HATCH, "linewidth": 0}
        axes.stairs(
            [y + 0.32 + 0.6 * height for height in heights],
            edges, baseline=y + 0.32, fill=True, **look,
        )  # fmt: skip
    axes.plot([measured.p95_ms, measured.p99_ms], [y + 0.16] * 2, line, color=colour, lw=1.2)
    axes.plot([measured.p99_ms] * 2, [y + 0.04, y + 0.28], color=colour, lw=1.2)
    axes.plot([measured.p50_ms, measured.p95_ms], [y + 0.16] * 2, line, color=colour, lw=3)
    axes.plot(
        [measured.p50_ms], [y + 0.16], MARKS[index % len(MARKS)],
        color=colour, ms=6, markeredgecolor="white", markeredgewidth=0.5,
    )  # fmt: skip
    return f"{number(measured.p50_ms)} ms{' emulated' if machine.emulated else ''}"


def _ratios(axes: Any, page: Page, comparison: Comparison) -> None:
    here, there = words.machine(comparison.here), words.machine(comparison.there)
    title = fill(f"How many times as long: {there} beside {here}", 75)
    axes.set_title(title, loc="center", fontsize=9)
    known = _known(comparison)
    if not known:
        why = "emulated times say nothing of a Raspberry Pi" if comparison.emulated else "see notes"
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"no ratios: {why}", ha="center", transform=axes.transAxes)
        return
    index = page.machines.index(comparison.there)
    colour = COLOURS[index % len(COLOURS)]
    ratios = [one for key in known if (one := comparison.lines[key].ratio)]
    axis = scale.around(
        [v for one in ratios for v in (1.0, one.value, one.low, one.high) if v is not None]
    )
    _log(axes, axis)
    for row, (key, ratio) in enumerate(zip(known, ratios, strict=True)):
        y = -row - 0.5
        axes.barh(y, ratio.value - 1, left=1, height=0.62, color=colour, alpha=0.55)
        axes.plot([ratio.value] * 2, [y - 0.38, y + 0.38], color=colour, lw=2.4)
        if ratio.low is not None and ratio.high is not None:
            axes.plot([ratio.low, ratio.high], [y, y], color=colour, lw=1.4)
            for end in (ratio.low, ratio.high):
                axes.plot([end] * 2, [y - 0.22, y + 0.22], color=colour, lw=1.4)
        _beside(axes, y, words.line(key), "right")
        interval = words.interval(comparison.lines[key])
        told = words.ratio(comparison, comparison.lines[key])
        _beside(axes, y, f"{told} ({interval})" if interval else told, "left")
    axes.axvline(1, color="black", lw=1.2)
    axes.set_ylim(-len(known), 0)
    axes.set_xlabel(
        f"{words.axis_of_ratios(comparison)}\n{words.kind_of_interval(comparison)}", color=SOFT
    )


def _training(axes: Any, page: Page) -> None:
    row = 0
    for one in page.trainings:
        y = -row - 0.5
        imported = min(one.import_bytes, one.peak_bytes)
        axes.barh(y, imported / 1e6, height=0.62, color=COLOURS[0], alpha=0.4)
        axes.barh(
            y, (one.peak_bytes - imported) / 1e6, left=imported / 1e6, height=0.62,
            color=COLOURS[0],
        )  # fmt: skip
        _beside(axes, y, f"{one.model}, measured", "right")
        told = f"{words.size_of_memory(one.peak_bytes)}, {words.duration(one.seconds)}"
        _beside(axes, y, told, "left")
        for program, count in one.noted.items():
            row += 1
            y = -row - 0.5
            axes.barh(y, count / 1e6, height=0.62, fill=False, edgecolor="black", linestyle="--")
            _beside(axes, y, f"{one.model}, noted: {program}", "right")
            _beside(axes, y, words.size_of_memory(count), "left")
        row += 1
    axes.set_ylim(-row, 0)
    axes.yaxis.set_major_locator(NullLocator())
    axes.grid(axis="x", color=RULE, lw=0.8)
    axes.set_axisbelow(True)
    axes.set_title("Training the digit networks: memory at the peak, and time", loc="center",
                   fontsize=9)  # fmt: skip
    axes.set_xlabel(
        "MB (1,000,000 bytes), from 0; lower is better\n"
        f"filled: measured (pale: importing TensorFlow alone); hollow: {NOTED_WHEN}",
        color=SOFT,
    )


def _beside(axes: Any, y: float, text: str, align: str) -> None:
    """Text left of the plot, ending there, or right of it."""
    x = -0.02 if align == "right" else 1.02
    axes.text(x, y, text, ha=align, va="center", transform=axes.get_yaxis_transform())


def _log(axes: Any, axis: scale.Log) -> None:
    axes.set_xscale("log")
    axes.set_xlim(axis.low, axis.high)
    ticks = axis.ticks()
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([scale.shown(tick) for tick in ticks])
    axes.yaxis.set_major_locator(NullLocator())
    axes.grid(axis="x", color=RULE, lw=0.8)
    axes.set_axisbelow(True)
