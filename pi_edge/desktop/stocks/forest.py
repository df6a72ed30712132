"""The lower panels of the picture of stocks: a row a model, a dot and its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from pi_edge.desktop.stocks.panels import BLACK, COLOURS, GREY, NEAR, PALE


def rows(three: Sequence[Axes], evaluation: Mapping[str, Any], subject: str) -> None:
    """Error, direction and interval of every model, with what chance alone would leave open."""
    models = evaluation["models"]
    names = list(models)
    for axes in three:
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_yticks(range(len(names)), names if axes is three[0] else [""] * len(names))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=PALE)
        axes.set_axisbelow(True)
        for row, name in enumerate(names):
            if name in COLOURS:
                axes.axhspan(row - 0.5, row + 0.5, color=COLOURS[name], alpha=0.07, lw=0)
    for label, name in zip(three[0].get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == subject else "normal")
    _errors(three[0], models)
    _parts(three[1], models, "direction", "Direction called right", "part of the moves")
    if evaluation["always_up"]:
        _mark(three[1], evaluation["always_up"]["value"], "always “up”")
    _parts(three[2], models, "coverage", "Closes inside 10 to 90 %", "part of the closes")
    _mark(three[2], 0.8, "promised")


def _errors(axes: Axes, models: Mapping[str, Any]) -> None:
    near = [one["ratio"] for one in models.values() if one["ratio"] and _is_near(one["ratio"])]
    ends = [end for one in near for end in (one["low"], one["high"]) if end is not None]
    reach = 1.15 * max([0.001, *(abs(end - 1) for end in ends)])
    axes.set_xlim(1 - reach, 1 + 2.3 * reach)  # on the right there is room for p
    axes.axvline(1, color=BLACK, lw=1, zorder=1)
    for row, (name, one) in enumerate(models.items()):
        ratio = one["ratio"]
        if ratio is None:
            continue
        if _is_near(ratio):
            _whisker(axes, row, name, ratio)
            note = "" if ratio["p"] is None else f"p = {ratio['p']:.2f}"
            note = "p < 0.01" if ratio["p"] is not None and ratio["p"] < 0.005 else note
        else:
            axes.annotate(
                "",
                (1 + 1.35 * reach, row),
                (1 + 0.2 * reach, row),
                arrowprops={"arrowstyle": "-|>", "color": COLOURS.get(name, GREY), "lw": 2},
            )
            note = f"{ratio['value']:.3g} times"
        axes.text(1 + 1.45 * reach, row, note, va="center", size=9.5)
    axes.set_title("Mean error (p: Diebold-Mariano)", pad=20)
    axes.set_xlabel("less error  ←  last price  →  more error")
    axes.xaxis.set_major_locator(FixedLocator([1 - _step(reach), 1, 1 + _step(reach)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _signed(x)))


def _is_near(ratio: Mapping[str, Any]) -> bool:
    return bool(ratio["value"] < NEAR)


def _step(reach: float) -> float:
    """A round distance of ticks, of which one fits on each side."""
    power = 10.0 ** np.floor(np.log10(reach))
    return float(
        max(digit * power for digit in (0.8, 1, 2, 3, 4, 5, 6, 8) if digit * power <= reach)
    )


def _signed(x: float) -> str:
    off = 100 * (x - 1)
    return "±0 %" if abs(off) < 1e-9 else f"{off:+.2g} %".replace("-", "−")


def _parts(axes: Axes, models: Mapping[str, Any], key: str, title: str, label: str) -> None:
    for row, (name, one) in enumerate(models.items()):
        if one[key] is None:
            axes.annotate(
                "makes no call" if key == "direction" else "has no interval",
                (0.02, row),
                xycoords=("axes fraction", "data"),
                va="center",
                size=9.5,
                color=GREY,
            )
            continue
        _whisker(axes, row, name, one[key])
    axes.margins(x=0.12)
    axes.set_title(title, pad=20)
    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.3g} %"))


def _mark(axes: Axes, value: float, what: str) -> None:
    axes.axvline(value, color=BLACK, lw=1, ls=(0, (4, 3)), zorder=1)
    axes.annotate(
        what,
        (value, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 1),
        textcoords="offset points",
        ha="center",
        va="bottom",
        size=8.5,
        color=GREY,
    )


def _whisker(axes: Axes, row: int, name: str, one: Mapping[str, Any]) -> None:
    colour = COLOURS.get(name, GREY)
    if one["low"] is not None:
        axes.plot([one["low"], one["high"]], [row, row], color=colour, lw=2.2, zorder=3)
    axes.plot(one["value"], row, "o", color=colour, ms=7, zorder=4)
