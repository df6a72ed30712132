"""The plots of the picture, each drawn into axes of matplotlib's."""

from __future__ import annotations

from textwrap import fill
from typing import Any

from matplotlib.ticker import FixedLocator, NullLocator

from pi_edge.benchmark.page import scale, words
from pi_edge.benchmark.page.figures import Comparison, Key, Page
from pi_edge.benchmark.table import number
from pi_edge.benchmark.training import NOTED_WHEN

# Okabe and Ito (2008), light ones darkened until they stand out from white; as on the HTML page.
COLOURS = ("#0072b2", "#d55e00", "#00805d", "#b0528b", "#8a6400", "#3f3f3f")
MARKS = ("o", "s", "^", "D", "v", "P")
SOFT, RULE = "#595959", "#d4d4d4"
HATCH = "/////"


def keys_of(page: Page, model: str) -> list[Key]:
    """The lines of one model."""
    return [key for key in page.lines if key[0] == model]


def known(comparison: Comparison) -> list[Key]:
    """The lines of a comparison that have a ratio."""
    return [key for key, one in comparison.lines.items() if one.ratio]


def distribution(axes: Any, page: Page, model: str) -> None:
    """How a model's latencies spread: a lane a variant and machine."""
    keys = keys_of(page, model)
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


def ratios(axes: Any, page: Page, comparison: Comparison) -> None:
    """Two machines' ratios: a bar a line."""
    here, there = words.machine(comparison.here), words.machine(comparison.there)
    title = fill(f"How many times as long: {there} beside {here}", 75)
    axes.set_title(title, loc="center", fontsize=9)
    keys = known(comparison)
    if not keys:
        why = "emulated times say nothing of a Raspberry Pi" if comparison.emulated else "see notes"
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"no ratios: {why}", ha="center", transform=axes.transAxes)
        return
    index = page.machines.index(comparison.there)
    colour = COLOURS[index % len(COLOURS)]
    ratios = [one for key in keys if (one := comparison.lines[key].ratio)]
    axis = scale.around(
        [v for one in ratios for v in (1.0, one.value, one.low, one.high) if v is not None]
    )
    _log(axes, axis)
    for row, (key, ratio) in enumerate(zip(keys, ratios, strict=True)):
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
    axes.set_ylim(-len(keys), 0)
    axes.set_xlabel(
        f"{words.axis_of_ratios(comparison)}\n{fill(words.kind_of_interval(comparison), 90)}",
        color=SOFT,
    )


def training(axes: Any, page: Page) -> None:
    """Peak memory of training: measured, and noted elsewhere."""
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
