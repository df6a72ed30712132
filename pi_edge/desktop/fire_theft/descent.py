"""Descending the squared error, one district at a time, in float32: how the line was missed.

What CS 20 (Stanford, TensorFlow for Deep Learning Research, 2018, lecture 3) did with
GradientDescentOptimizer, in plain arithmetic: start at slope and intercept 0, go through
the districts in the order of the file, and after each move both against the gradient of
(y - slope * x - intercept)^2, both by the same prediction.

Slopes and intercepts may be arrays: many descents at once, each by the same steps as alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Line = tuple[float, float]
"""Slope and intercept."""

Tick = Callable[[], object]


@dataclass(frozen=True)
class Recipe:
    """How a descent goes on.

    Attributes:
        rate: the step's length, as a part of the gradient.
        epochs: times that it goes through all points.
        adaptive: AdaGrad (Duchi, Hazan and Singer, JMLR 12, 2011): each parameter's rate is divided
            by the root of the sum of its squared gradients so far.
    """

    rate: float
    epochs: int
    adaptive: bool = False


COURSE = Recipe(rate=0.001, epochs=100)
SLOW = Recipe(rate=0.00001, epochs=10_000)
ADAPTIVE = Recipe(rate=1.0, epochs=1000, adaptive=True)


def descend(recipe: Recipe, x: Points, y: Points, tick: Tick = lambda: None) -> Line:
    """The line that a descent over the points x, y [n] ends with.

    Args:
        tick: called after each epoch.
    """
    slope, intercept = _descend(recipe, x, y, np.float32(1), np.float32(0), tick)
    return float(slope), float(intercept)


def descend_without_each(
    recipe: Recipe, x: Points, y: Points, tick: Tick = lambda: None
) -> tuple[Points, Points]:
    """The slopes [n] and intercepts [n] of n descents, the i-th without point i."""
    zero = np.zeros(len(x), np.float32)
    slopes, intercepts = _descend(recipe, x, y, 1 - np.eye(len(x), dtype=np.float32), zero, tick)
    return slopes.astype(np.float64), intercepts.astype(np.float64)


def _descend(
    recipe: Recipe, x: Points, y: Points, weights: Any, zero: Any, tick: Tick
) -> tuple[Any, Any]:
    """The loop; a point counts for a descent where its weight, 1 or 0, is 1."""
    points = [
        (np.float32(a), np.float32(b), weight)
        for a, b, weight in zip(x, y, np.broadcast_to(weights, (len(x), *zero.shape)), strict=True)
    ]
    rate, two, tiny = np.float32(recipe.rate), np.float32(2), np.float32(1e-30)
    slope = intercept = slope_squares = intercept_squares = zero
    for _ in range(recipe.epochs):
        for a, b, weight in points:
            gradient = two * (slope * a + intercept - b) * weight
            slope_gradient = gradient * a
            if recipe.adaptive:
                slope_squares = slope_squares + slope_gradient * slope_gradient
                intercept_squares = intercept_squares + gradient * gradient
                # Before its first point counts, a descent has no gradient to divide by.
                slope_gradient = slope_gradient / np.sqrt(slope_squares + tiny)
                gradient = gradient / np.sqrt(intercept_squares + tiny)
            slope = slope - rate * slope_gradient
            intercept = intercept - rate * gradient
        tick()
    return slope, intercept
