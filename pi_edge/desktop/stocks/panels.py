"""The headline and the upper panels of the picture of stocks.

Colours are Okabe's and Ito's (2008), which colour-blind people can tell apart; nothing is told
by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pi_edge.desktop.stocks.plot import Drawn

BLACK, GREY, PALE = "#1a1a1a", "#767676", "#e9e9e9"
COLOURS = {"stocks": "#0072B2", "stocks-levels": "#D55E00"}
OTHERS = "#009E73"
MARGIN = 0.012
NEAR = 1.1
"""Models with more error than this, beside the last price's, do not fit on its scale."""

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlepad": 8,
    "axes.labelcolor": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "legend.frameon": False,
    "svg.hashsalt": "pi-edge",
}


@contextmanager
def style() -> Iterator[None]:
    with mpl.rc_context(STYLE):
        yield


def headline(figure: Figure, subject: Drawn, evaluation: Mapping[str, Any] | None) -> None:
    """Say in one sentence what the statistics decided, and below it what was looked at."""
    inch = 1 / figure.get_figheight()
    count = len(subject.tickers)
    learned = subject.told["trained"]["spans"]["validation"]["to"]
    about = (
        f"{count} stock{'s' * (count != 1)}, {len(subject.dates):,} days that no model had seen, "
        f"{subject.dates[0]} to {subject.dates[-1]}. Above: the shipped files, which learned once, "
        f"up to {learned}."
    )
    if evaluation:
        about += (
            "\nBelow: walk-forward, every model learned anew at the start of each test year; "
            "bars are 95 % intervals, which allow for stocks and days that move together."
        )
    title = figure.text(
        MARGIN, 1 - 0.17 * inch, _verdict(subject, evaluation), size=15, weight="bold", va="top"
    )
    figure.text(MARGIN, 1 - 0.53 * inch, about, size=10, color=GREY, va="top", linespacing=1.4)
    wide = title.get_window_extent().width / figure.bbox.width / (1 - 2 * MARGIN)
    if wide > 1:
        title.set_fontsize(15 / wide)


def _verdict(subject: Drawn, evaluation: Mapping[str, Any] | None) -> str:
    models = (evaluation or {"models": {}})["models"]
    order = [subject.name, *(name for name in COLOURS if name != subject.name)]
    found = [
        f"{name} errs {_judged(models[name]['ratio'])}"
        for name in order
        if name in models and models[name]["ratio"]
    ]
    if not found:
        return f"{subject.name}: forecast and close"
    return f"Beside the last price, {', '.join(found)}"


def _judged(ratio: Mapping[str, Any]) -> str:
    value, p = ratio["value"], ratio["p"]
    if value >= NEAR:
        return f"{value:.2g} times as much"
    if p is None or p >= 0.05:
        return "exactly as much" if p is None else f"as much (p = {p:.2f})"
    return f"{100 * abs(value - 1):.2g} % {'less' if value < 1 else 'more'}"


def long(axes: Axes, both: Sequence[Drawn], ticker: str) -> None:
    """The whole test span of one stock: what came, and what each model said the day before."""
    first = both[0]
    at = first.tickers.index(ticker)
    axes.axhspan(first.lowest[at], first.highest[at], color=PALE, lw=0, zorder=0)
    axes.plot(first.dates, first.closes[:, at], color=BLACK, lw=1.1, zorder=4, label="close")
    best = min(both, key=lambda one: float(np.median(np.abs(one.bias))))
    for one in both:
        if ticker not in one.tickers:
            continue
        where = one.tickers.index(ticker)
        said = one.outputs["forecast"][:, where]
        broad = one is best  # it may hide under the close: drawn broad it shows on both sides
        axes.plot(
            one.dates,
            said,
            color=COLOURS.get(one.name, OTHERS),
            lw=4.0 if broad else 1.1,
            alpha=0.45 if broad else 1.0,
            zorder=2 if broad else 3,
            label=f"{one.name}: {_off(one, where)}",
        )
    ahead = first.told["horizon_days"]
    before = "the day" if ahead == 1 else f"{ahead} trading days"
    axes.set_title(f"{ticker}: each day’s close, and what was forecast {before} before")
    axes.set_ylabel("price of one share")
    _range_label(axes, first, at)
    axes.legend(loc="upper left", borderaxespad=0.2, labelspacing=0.3)
    _dated(axes, first)


def _range_label(axes: Axes, one: Drawn, at: int) -> None:
    low, high = axes.get_ylim()
    bottom = max(float(one.lowest[at]), low)
    axes.set_ylim(low, high + 0.28 * (high - low))  # room for the legend
    axes.annotate(
        "prices of the training span",
        (0.99, bottom),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        va="bottom",
        size=9,
        color=GREY,
    )


def _off(one: Drawn, where: int) -> str:
    bias = float(np.median(one.bias[:, where]))
    if abs(bias) < 0.005:
        return "half of its forecasts too low, half too high"
    return f"typically {100 * abs(bias):.0f} % too {'low' if bias < 0 else 'high'}"


def close_up(axes: Axes, one: Drawn, ticker: str, days: int) -> None:
    """The last days, near enough to see the interval."""
    at = one.tickers.index(ticker)
    dates, closes = one.dates[-days:], one.closes[-days:, at]
    low, middle, high = (one.outputs[name][-days:, at] for name in ("low", "forecast", "high"))
    colour = COLOURS.get(one.name, OTHERS)
    inside = (closes >= low) & (closes <= high)
    axes.fill_between(
        dates, low, high, color=colour, alpha=0.2, lw=0, label=f"{one.name}, 10 to 90 %"
    )
    axes.plot(dates, middle, color=colour, lw=1.3, label="forecast")
    axes.plot(dates[inside], closes[inside], "o", ms=3.5, color=BLACK, label="close, inside")
    axes.plot(
        dates[~inside], closes[~inside], "o", ms=5, mfc="white", mec=BLACK, label="close, outside"
    )
    axes.set_title(f"{ticker}, last {len(dates)} days: {int(inside.sum())} closes inside")
    axes.set_ylabel("price of one share")
    low_limit, high_limit = axes.get_ylim()
    axes.set_ylim(low_limit, high_limit + 0.25 * (high_limit - low_limit))
    axes.legend(
        loc="upper left",
        ncols=2,
        borderaxespad=0.2,
        columnspacing=0.8,
        labelspacing=0.3,
        handlelength=1.2,
        fontsize=9,
    )
    _dated(axes, one)


def _dated(axes: Axes, one: Drawn) -> None:
    locator = AutoDateLocator(minticks=4, maxticks=8)
    axes.xaxis.set_major_locator(locator)
    named = ConciseDateFormatter(locator, show_offset=False)
    axes.xaxis.set_major_formatter(named)
    axes.grid(axis="y", color=PALE)
    axes.set_axisbelow(True)
