"""The districts, the line, the two descents that missed it, and the parabola, in one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pi_edge import files
from pi_edge.desktop.fire_theft import curves, data
from pi_edge.errors import BadInput

TITLE = "Fires and thefts in 42 districts of Chicago: which line to believe"
SUBTITLE = (
    "A wrong learning rate misses the exact line. The parabola is nearer to the districts it saw\n"
    "and further from those it did not: it bends towards one of them."
)
LEGEND = (
    "mean squared error on districts that the fit saw, on each left out of it,\n"
    "and on those without the highest"
)
SIZE = (9.0, 6.8)
DPI = 130

# name of a way -> what the legend calls it, colour, line style, width; told from each other
# without colour too (Okabe and Ito's palette).
DRAWN = {
    "exact": ("least squares, exact", "#000000", "-", 2.6),
    "sgd": ("SGD as the course ran it", "#D55E00", "--", 1.8),
    "slow-sgd": ("SGD, 100 times slower, 100 times longer", "#0072B2", ":", 2.6),
    "parabola": ("parabola, which the course preferred", "#CC79A7", "-.", 1.8),
}


def plot(folder: Path, *, output: Path, given: Path | None = None) -> None:
    """Draw the model in ``folder`` into ``output``, .png or .svg by its ending.

    The curves and their errors are those in its model.json; the districts too, unless `given`.

    Raises:
        BadInput: its model.json tells no lesson.
    """
    districts = data.of_model(folder, given)
    path = folder / "model.json"
    try:
        ways = {way["name"]: way for way in json.loads(path.read_bytes())["lesson"]}
        figure = _figure(districts, {name: ways[name] for name in DRAWN})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} tells no lesson ({error!r}): convert it again") from None
    kind = output.suffix.lower().removeprefix(".")
    # Neither a date nor a random name: the same model gives the same file.
    with rc_context({"svg.hashsalt": "pi-edge"}), files.replacing(output) as file:
        figure.savefig(file, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else {})


def _figure(districts: data.Districts, ways: dict[str, Any]) -> Figure:
    figure = Figure(SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(districts.x, districts.y, s=34, color="#999999", edgecolor="#444444", zorder=2)
    fires = np.linspace(0, 1.04 * districts.x.max(), 300)
    for name, way in ways.items():
        title, colour, style, width = DRAWN[name]
        label = (
            f"{title}{_formula(way['curve'])}\n"
            f"{way['mean_squared_error']:.0f} seen, {way['leave_one_out']:.0f} left out, "
            f"{way['leave_one_out_of_others']:.0f} without the highest"
        )
        axes.plot(
            fires,
            curves.value(tuple(way["curve"]), fires),
            style,
            color=colour,
            linewidth=width,
            label=label,
            zorder=3,
        )
    axes.set_xlim(0, fires[-1])
    axes.set_ylim(0, 1.06 * districts.y.max())
    axes.set_xlabel("fires per 1,000 housing units")
    axes.set_ylabel("thefts per 1,000 population")
    figure.suptitle(TITLE, x=0.01, ha="left", fontsize=12.5, fontweight="bold")
    axes.set_title(SUBTITLE, loc="left", fontsize=10.5)
    highest = int(districts.y.argmax())
    axes.annotate(
        "this one district\nbends every curve",
        (districts.x[highest], districts.y[highest]),
        xytext=(-14, -4),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=9.5,
        color="#444444",
    )
    legend = axes.legend(
        loc="upper left",
        frameon=False,
        fontsize=9.5,
        labelspacing=0.7,
        title=LEGEND,
        title_fontsize=9.5,
        alignment="left",
    )
    legend.get_title().set_color("#444444")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _formula(curve: list[float]) -> str:
    return f": {curve[1]:.4f} x + {curve[0]:.4f}" if len(curve) == 2 else ""
