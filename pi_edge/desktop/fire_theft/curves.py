"""Lines and curves through the districts, by formula rather than by descent."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Curve = tuple[float, ...]
"""Coefficients of 1, x, x^2, ..."""

# Every column counts. (NumPy's default asks for the machine's limits: on 32-bit ARM that warns.)
_CUT_OFF = 1e-15

_NORMAL_QUARTILE = 0.6744897501960817

HUBER_K = 1.345
"""Residuals beyond so many standard deviations count linearly: 95 % as efficient as least squares
where errors are normal (Huber, Robust Statistics, 1981)."""


def closed_form(x: Points, y: Points) -> Curve:
    """The least-squares line, from the derivatives set to zero: slope = Sxy / Sxx."""
    x_mean, y_mean = math.fsum(x) / len(x), math.fsum(y) / len(y)
    slope = math.fsum((x - x_mean) * (y - y_mean)) / math.fsum((x - x_mean) ** 2)
    return y_mean - slope * x_mean, slope


def polynomial(degree: int) -> Callable[[Points, Points], Curve]:
    """Least squares with powers of x up to ``degree``, by NumPy's lstsq (LAPACK's gelsd)."""

    def curve(x: Points, y: Points) -> Curve:
        powers = np.vander(x, degree + 1, increasing=True)
        return tuple(map(float, np.linalg.lstsq(powers, y, rcond=_CUT_OFF)[0]))

    return curve


def huber(x: Points, y: Points) -> Curve:
    """The line that Huber's loss gives (Huber, Annals of Mathematical Statistics 35, 1964), by
    reweighted least squares, scaled by the median absolute residual."""
    powers = np.vander(x, 2, increasing=True)
    weights: Points = np.ones(len(x))
    line: Points = np.zeros(2)
    for _ in range(1000):
        roots = np.sqrt(weights)
        before = line
        solved = np.linalg.lstsq(powers * roots[:, None], y * roots, rcond=_CUT_OFF)[0]
        line = np.asarray(solved, np.float64)
        if np.abs(line - before).max() <= 1e-12 * np.abs(line).max():
            break
        residuals = y - powers @ line
        scale = np.median(np.abs(residuals)) / _NORMAL_QUARTILE
        limits = HUBER_K * float(scale) / np.maximum(np.abs(residuals), 1e-300)
        weights = np.minimum(1.0, limits)
    return tuple(map(float, line))


def value(curve: Curve, x: Points) -> Points:
    """The curve at x [n]: [n]."""
    result: Points = np.asarray(np.polynomial.polynomial.polyval(x, curve), np.float64)
    return result


def mean_squared_error(curve: Curve, x: Points, y: Points) -> float:
    """Over the points x, y [n], those it was fitted to or not."""
    return math.fsum((y - value(curve, x)) ** 2) / len(x)


def leave_one_out(method: Callable[[Points, Points], Curve], x: Points, y: Points) -> Points:
    """The squared error [n] of each point, predicted by the curve fitted to all others."""
    squares = np.empty(len(x))
    for at in range(len(x)):
        curve = method(np.delete(x, at), np.delete(y, at))
        squares[at] = (y[at] - value(curve, x[at : at + 1])[0]) ** 2
    return squares
