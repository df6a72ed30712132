"""Every way to the line side by side, and which curve to believe.

A way is measured by the mean squared error on the 42 districts that it saw, and by the same
where each district is predicted by a fit that never saw it (leave one out). Half of that comes from
one district, which has almost twice the thefts of any other; so that of the other 41 is told too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pi_edge.desktop.fire_theft import curves, descent
from pi_edge.desktop.fire_theft.curves import Curve, Points
from pi_edge.desktop.fire_theft.descent import Recipe, Tick
from pi_edge.learning.least_squares import fit

DESCENTS = {
    "sgd": descent.COURSE,
    "slow-sgd": descent.SLOW,
    "adagrad": descent.ADAPTIVE,
}

REPETITIONS = 3
"""Of each way, for its time."""

TITLES = {
    "sgd": "SGD as the course ran it: rate 0.001, 100 epochs",
    "slow-sgd": "SGD, rate 0.00001, 10,000 epochs",
    "adagrad": "AdaGrad, rate 1, 1,000 epochs",
    "lstsq": "least squares, NumPy's lstsq",
    "closed-form": "least squares, closed form",
    "exact": "least squares, orthogonalised (shipped)",
    "mean": "the mean, whatever the fires",
    "huber": "Huber's line",
    "parabola": "parabola",
    "cubic": "cubic",
}


@dataclass(frozen=True)
class Way:
    """One way to a curve, measured.

    Attributes:
        curve: coefficients of 1, x, x^2, ...
        mean_squared_error: on the points that it was fitted to.
        leave_one_out: the same on points left out of the fit, one at a time.
        leave_one_out_of_others: the same without the point that is highest of all.
        seconds: what the fit to all points took, at its quickest.
    """

    name: str
    curve: Curve
    mean_squared_error: float
    leave_one_out: float
    leave_one_out_of_others: float
    seconds: float


def exact(x: Points, y: Points) -> Curve:
    """The least-squares line as it is shipped."""
    line = fit(x[:, None], y, ["x"])
    return line.intercept, line.coefficients[0]


FORMULAS: dict[str, Callable[[Points, Points], Curve]] = {
    "lstsq": curves.polynomial(1),
    "closed-form": curves.closed_form,
    "exact": exact,
    "mean": curves.polynomial(0),
    "huber": curves.huber,
    "parabola": curves.polynomial(2),
    "cubic": curves.polynomial(3),
}


def epochs() -> int:
    """How often ``ways`` ticks."""
    return (REPETITIONS + 1) * sum(recipe.epochs for recipe in DESCENTS.values())


def ways(x: Points, y: Points, tick: Tick = lambda: None) -> list[Way]:
    """Go and measure all of them; seconds, most of which the left-out points of the slow SGD take.

    Args:
        x, y: the points in the file's order, [n].
        tick: called ``epochs()`` times.
    """
    return [
        *(_descended(name, recipe, x, y, tick) for name, recipe in DESCENTS.items()),
        *(_computed(name, method, x, y) for name, method in FORMULAS.items()),
    ]


def _descended(name: str, recipe: Recipe, x: Points, y: Points, tick: Tick) -> Way:
    (slope, intercept), seconds = _timed(lambda: descent.descend(recipe, x, y, tick))
    slopes, intercepts = descent.descend_without_each(recipe, x, y, tick)
    return _way(name, (intercept, slope), x, y, (y - slopes * x - intercepts) ** 2, seconds)


def _computed(name: str, method: Callable[[Points, Points], Curve], x: Points, y: Points) -> Way:
    curve, seconds = _timed(lambda: method(x, y))
    return _way(name, curve, x, y, curves.leave_one_out(method, x, y), seconds)


def _way(name: str, curve: Curve, x: Points, y: Points, left_out: Points, seconds: float) -> Way:
    """Put together what was measured; ``left_out`` [n] are squared errors."""
    return Way(
        name,
        curve,
        curves.mean_squared_error(curve, x, y),
        float(left_out.mean()),
        float(np.delete(left_out, y.argmax()).mean()),
        seconds,
    )


def _timed(way: Callable[[], Curve]) -> tuple[Curve, float]:
    """What it gives, and the seconds of its quickest repetition: others were disturbed."""
    durations = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        curve = way()
        durations.append(time.perf_counter() - began)
    return curve, min(durations)


def as_table(measured: list[Way]) -> str:
    """One line for each way; errors in (thefts per 1,000 population) squared."""
    width = max(len(TITLES[way.name]) for way in measured)
    headings = (
        ("", "", "", "squared", "left", "of the", "time,"),
        ("", "slope", "intercept", "error", "out", "others", "ms"),
    )
    lines = [
        f"{way:{width}} {a:>13} {b:>13} {error:>8} {out:>7} {others:>7} {ms:>8}"
        for way, a, b, error, out, others, ms in headings
    ]
    for way in measured:
        slope, intercept = "", f"{way.curve[0]:.10f}"
        if len(way.curve) == 2:
            slope = f"{way.curve[1]:.10f}"
        elif len(way.curve) > 2:
            slope, intercept = "", "a curve"
        lines.append(
            f"{TITLES[way.name]:{width}} {slope:>13} {intercept:>13} "
            f"{way.mean_squared_error:8.2f} {way.leave_one_out:7.2f} "
            f"{way.leave_one_out_of_others:7.2f} {way.seconds * 1000:8.3f}"
        )
    return "\n".join(lines)
