"""Linear least squares, exactly: the line, plane or hyperplane nearest to a table of numbers.

Columns are centred and scaled to one length, then orthogonalised by modified Gram-Schmidt with
column pivoting, twice (Björck, Numerical Methods for Least Squares Problems, 1996, sections 2.4
and 2.7): the error then depends on how much the columns say the same, not on their units and
offsets. NumPy alone, so that a model can be fitted again where it runs.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi_edge.errors import BadInput

Array = NDArray[np.float64]

_EPSILON = sys.float_info.epsilon
_SUSPICIOUS = 1e-3
"""What remains of a column, as a part of its length, when others have been taken out of it."""


@dataclass(frozen=True)
class Fit:
    """A fitted line: target = intercept + sum(coefficients * columns).

    Attributes:
        columns: names of the k columns.
        coefficients: [k], in units of the target by units of the column.
        standard_errors: [k]; None where there are no more rows than unknowns.
        r_squared: part of the target's variance that the columns explain, 0 to 1.
        residual_standard_error: sqrt(sum of squared residuals / degrees_of_freedom), or None.
        rows: n.
        degrees_of_freedom: n - k - 1.
    """

    columns: tuple[str, ...]
    intercept: float
    coefficients: tuple[float, ...]
    intercept_standard_error: float | None
    standard_errors: tuple[float, ...] | None
    r_squared: float
    residual_standard_error: float | None
    rows: int
    degrees_of_freedom: int

    def predict(self, x: Array) -> Array:
        """The target of each row of x [n, k]: [n]."""
        prediction: Array = self.intercept + x @ np.array(self.coefficients)
        return prediction


class RankDeficient(BadInput):
    """Some columns are combinations of others.

    Attributes:
        combinations: for each such column, which others make it.
    """

    def __init__(self, combinations: dict[str, tuple[str, ...]]) -> None:
        self.combinations = combinations
        told = "; ".join(
            f"{name!r} is a combination of {', '.join(map(repr, others))}"
            for name, others in combinations.items()
        )
        super().__init__(f"the columns do not determine one line: {told}")


def fit(x: Array, y: Array, columns: Sequence[str]) -> Fit:
    """Fit y [n] by the columns of x [n, k] and an intercept.

    Raises:
        RankDeficient: a column is a combination of others, to within its own rounding.
        BadInput: a column or the target is constant, there are too few rows, or values so far
            apart in size that a coefficient has no double.
    """
    rows, count = x.shape
    if rows < count + 1:
        raise BadInput(
            f"{rows} rows are too few for {count} columns: at least {count + 1} are needed"
        )
    for name, values in (*zip(columns, x.T, strict=True), ("the target", y)):
        if values.min() == values.max():
            raise BadInput(f"{name} is {float(values[0]):g} in every row")
    means, lengths, units, scales = _standardised(x)
    (y_mean,), (y_length,), y_unit, (y_scale,) = _standardised(y[:, None])

    q, r, order = _orthogonal(units, np.abs(x / scales).max(0) / lengths, columns)
    target = y_unit[:, 0]
    beta = np.zeros(count)
    residual = target
    for _ in range(3):  # the first solves, the others correct its rounding
        beta[order] += np.linalg.solve(r, q.T @ residual)
        residual = target - units @ beta
    unexplained = math.fsum(residual * residual)  # of a total of 1

    free = rows - count - 1
    with np.errstate(over="ignore", under="ignore"):
        slopes = beta * y_length / lengths * (y_scale / scales)
    intercept = math.fsum([y_mean * y_scale, *(-slopes * (means * scales))])
    lost = (slopes == 0) & (beta != 0)
    if lost.any() or not np.isfinite([*slopes, intercept]).all():
        raise BadInput("the columns differ too much in size: give them in other units")
    standard_errors = intercept_error = sigma = None
    if free > 0:
        sigma = math.sqrt(unexplained / free) * float(y_length * y_scale)
        inverse = np.linalg.inv(r)
        lengths_in_order = (lengths * scales)[order]
        errors = np.empty(count)
        errors[order] = sigma * np.sqrt((inverse**2).sum(1)) / lengths_in_order
        at_zero = inverse.T @ ((means / lengths)[order])
        intercept_error = sigma * math.sqrt(1 / rows + float(at_zero @ at_zero))
        standard_errors = tuple(map(float, errors))
    return Fit(
        columns=tuple(columns),
        intercept=intercept,
        coefficients=tuple(map(float, slopes)),
        intercept_standard_error=intercept_error,
        standard_errors=standard_errors,
        r_squared=1 - unexplained,
        residual_standard_error=sigma,
        rows=rows,
        degrees_of_freedom=free,
    )


def _standardised(x: Array) -> tuple[Array, Array, Array, Array]:
    """Means and lengths of the columns of x / scales, those columns centred and of length 1,
    and the scales: powers of two, which cost no rounding and keep squares from overflowing."""
    scales = 2.0 ** np.minimum(np.frexp(np.abs(x).max(0))[1], 1023)
    scaled = x / scales
    means = scaled.mean(0)
    centred = scaled - means
    # A mean is rounded; beside a large offset what that leaves would matter.
    left = centred.mean(0)
    centred -= left
    lengths = np.sqrt((centred**2).sum(0))
    return means + left, lengths, centred / lengths, scales


def _orthogonal(
    units: Array, sizes: Array, columns: Sequence[str]
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Q [n, k] and R [k, k] with Q R = units[:, order], the column that adds most coming first.

    Args:
        units: [n, k], centred columns of length 1.
        sizes: [k], the largest value in each before it was centred, in the same scale: its
            rounding is a part of that.
    """
    rows, count = units.shape
    rest = units.T.copy()  # columns as rows: the numbers of each side by side
    q = np.empty((count, rows))
    r = np.zeros((count, count))  # its columns in the order of x, until the end
    order: list[int] = []
    left = list(range(count))
    combinations: dict[str, tuple[str, ...]] = {}
    while left:
        remains = np.sqrt(np.einsum("kn,kn->k", rest, rest))
        done = len(order)
        for column in [at for at in left if remains[at] <= _SUSPICIOUS]:
            parts = np.linalg.solve(r[:done][:, order], r[:done, column])
            # Decimal fractions become doubles, and sums are rounded: that much may remain.
            rounding = sizes[column] + float(np.abs(parts) @ sizes[order])
            if remains[column] <= 4 * _EPSILON * math.sqrt(rows) * rounding:
                makers = [order[at] for at in np.flatnonzero(np.abs(parts) > 1e-6)]
                combinations[columns[column]] = tuple(columns[at] for at in sorted(makers))
                left.remove(column)
        if not left:
            break
        pick = max(left, key=lambda at: remains[at])
        left.remove(pick)
        again = q[:done] @ rest[pick]  # once more: rounding has let some of the others back in
        r[:done, pick] += again
        direction = rest[pick] - again @ q[:done]
        r[done, pick] = length = math.sqrt(float(direction @ direction))
        q[done] = direction = direction / length
        shares = np.zeros(count)
        shares[left] = (rest @ direction)[left]
        r[done] += shares
        rest -= np.outer(shares, direction)
        order.append(pick)
    if combinations:
        raise RankDeficient(combinations)
    return q.T, r[:, order], np.array(order)
