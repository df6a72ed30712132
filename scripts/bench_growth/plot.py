"""The series as small plots, a row each, on logarithmic axes. Dotted is what grows in
proportion."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from bench_growth.series import Curve, Series
from pi_edge.benchmark.table import number

INK, LINE = "#1a5fb4", "#9a9996"


def picture(found: Sequence[Series], heading: str) -> bytes:
    """A PNG."""
    from matplotlib.figure import Figure

    columns = max(len(series.curves) for series in found)
    figure = Figure(figsize=(3.1 * columns, 2.4 * len(found)), layout="constrained")
    figure.suptitle(heading, fontsize=9)
    axes = figure.subplots(len(found), columns, squeeze=False)
    for series, row in zip(found, axes, strict=True):
        for ax, curve in zip(row, series.curves, strict=False):
            _draw(ax, series, curve)
        for ax in row[len(series.curves) :]:
            ax.set_axis_off()
    output = io.BytesIO()
    figure.savefig(output, dpi=110)
    return output.getvalue()


def _draw(ax: Any, series: Series, curve: Curve) -> None:
    first, last = series.sizes[0], series.sizes[-1]
    start = curve.values[0]
    ax.loglog(series.sizes, curve.values, "o-", color=INK, markersize=4)
    ax.loglog([first, last], [start, start * last / first], ":", color=LINE)
    for size, value in zip(series.sizes, curve.values, strict=True):
        place = {"xytext": (0, 6), "textcoords": "offset points", "ha": "center"}
        ax.annotate(number(value), (size, value), fontsize=7, **place)
    ax.set_xlim(first / 1.5, last * 1.5)
    ax.set_ylim(min(curve.values) / 2, max(curve.values) * 3)
    ax.set_yticks([])
    ax.set_title(f"{series.title}: {curve.name}", fontsize=8)
    ax.set_xlabel(series.counted, fontsize=7)
    ax.set_ylabel(curve.unit, fontsize=7)
    ax.set_xticks(series.sizes, [f"{size:g}" for size in series.sizes])
    ax.minorticks_off()
    ax.tick_params(labelsize=7)
