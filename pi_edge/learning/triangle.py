"""All that a least-squares line has to know of the rows it was fitted to: a small triangle.

The R of a QR factorisation of rows [1, x, y] gives the line, its standard errors and R squared.
Rows that come later are put below R and factorised again; the result is the R of all rows
together, whatever their order (Golub and Van Loan, Matrix Computations, 2013, section 6.5; Björck,
Numerical Methods for Least Squares Problems, 1996, section 3.2). No squares are formed, as normal
equations would, so the error grows with how much columns say the same, not with its square.
From every value a number near its column's mean is subtracted first, so that offsets cost nothing.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_edge import files
from pi_edge.errors import BadInput
from pi_edge.learning.least_squares import Fit

Array = NDArray[np.float64]

FILE = "fit.npz"
METHOD = "exact least squares"

_BLOCK = 4096
"""Rows factorised at once: so many doubles a column, whatever the number of rows."""


@dataclass(frozen=True)
class Triangle:
    """Rows of k columns and a target, in k + 2 rows.

    Attributes:
        origin: [k + 1], what was subtracted from the columns and, last, the target.
        r: [k + 2, k + 2], upper triangular; its columns are the intercept's, the k, the target's.
        rows: how many rows it stands for.
    """

    origin: Array
    r: Array
    rows: int

    def with_rows(self, x: Array, y: Array) -> Triangle:
        """The triangle of these rows too: x [n, k], y [n]."""
        r = self.r
        for start in range(0, len(x), _BLOCK):
            block = self._shifted(x[start : start + _BLOCK], y[start : start + _BLOCK])
            r = np.asarray(np.linalg.qr(np.vstack([r, block]), mode="r"), np.float64)
        return Triangle(self.origin, np.triu(r), self.rows + len(x))

    def deviation(self) -> float:
        """The target's standard deviation over all rows."""
        return float(np.linalg.norm(self.r[1:, -1])) / math.sqrt(self.rows)

    def means(self) -> Array:
        """The mean of each column over all rows: [k]."""
        means: Array = self.origin[:-1] + self.r[0, 1:-1] / self.r[0, 0]
        return means

    def fit(self, columns: Sequence[str]) -> Fit:
        """The least-squares line through all rows.

        Raises:
            BadInput: a coefficient has no double.
        """
        count, free = len(columns), self.rows - len(columns) - 1
        with np.errstate(all="ignore"):
            inverse = np.linalg.inv(self.r[:-1, :-1])
            beta = np.linalg.solve(self.r[:-1, :-1], self.r[:-1, -1])
            slopes = beta[1:]
            offsets = -slopes * self.origin[:-1]
            intercept = math.fsum([self.origin[-1], beta[0], *offsets])
        if not np.isfinite([*slopes, intercept]).all() or not np.isfinite(inverse).all():
            raise BadInput("the columns differ too much in size: give them in other units")
        # Without the intercept's row R is that of the columns less their means.
        spread = float(np.linalg.norm(self.r[1:, -1]))
        missed = abs(float(self.r[-1, -1]))
        sigma = intercept_error = standard_errors = None
        if free > 0:
            sigma = missed / math.sqrt(free)
            errors = sigma * np.sqrt((inverse**2).sum(1))
            standard_errors = tuple(map(float, errors[1:]))
            at_zero = inverse.T @ np.concatenate([[1.0], -self.origin[:-1]])
            intercept_error = sigma * float(np.linalg.norm(at_zero))
        return Fit(
            columns=tuple(columns),
            intercept=intercept,
            coefficients=tuple(map(float, slopes[:count])),
            intercept_standard_error=intercept_error,
            standard_errors=standard_errors,
            r_squared=1 - (missed / spread) ** 2 if spread else 0.0,
            residual_standard_error=sigma,
            rows=self.rows,
            degrees_of_freedom=free,
        )

    def left_out(self, x: Array, y: Array) -> Array:
        """What the line misses each of these rows by, [n], had it been fitted to all rows but that
        one. They must be among those that the triangle stands for.

        Exact without fitting again: a residual divided by one less its leverage (Cook and
        Weisberg, Residuals and Influence in Regression, 1982, section 2.2).
        """
        inverse = np.linalg.inv(self.r[:-1, :-1])
        rows = self._shifted(x, y)
        residuals = rows[:, -1] - rows[:, :-1] @ (inverse @ self.r[:-1, -1])
        rest = 1 - ((rows[:, :-1] @ inverse) ** 2).sum(1)
        alone = rest <= 1e-9  # nothing but this row tells of one of the coefficients
        return np.where(alone, np.inf, residuals / np.where(alone, 1.0, rest))

    def _shifted(self, x: Array, y: Array) -> Array:
        return np.column_stack([np.ones(len(x)), x - self.origin[:-1], y - self.origin[-1]])


def of(x: Array, y: Array) -> Triangle:
    """The triangle of rows x [n, k], y [n], any that a line can be fitted to."""
    origin = np.append(x.mean(0), y.mean())
    size = len(origin) + 1
    return Triangle(origin, np.zeros((size, size)), 0).with_rows(x, y)


def save(triangle: Triangle, path: Path) -> None:
    """Write it, whole or not at all."""
    with files.replacing(path) as file:
        np.savez(file, origin=triangle.origin, r=triangle.r, rows=np.array(triangle.rows, np.int64))


def told(path: Path, weights: Mapping[str, Any]) -> dict[str, Any]:
    """What model.json says under "training": the file, and where the constants of the .tflite
    file are."""
    return {
        "method": METHOD,
        "file": path.name,
        "sha256": files.sha256(path),
        "bytes": path.stat().st_size,
        "weights": dict(weights),
    }


def load(path: Path, count: int) -> Triangle:
    """Read what `save` wrote for a line of ``count`` columns.

    Raises:
        BadInput: it cannot be read, or is none of that many columns.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            read = Triangle(arrays["origin"], arrays["r"], int(arrays["rows"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is damaged ({error}): convert the model again") from None
    size = count + 2
    numbers = (read.origin, read.r)
    if (
        (read.origin.shape, read.r.shape) != ((size - 1,), (size, size))
        or not all(array.dtype == np.float64 and np.isfinite(array).all() for array in numbers)
        or not (np.diag(read.r)[:-1] != 0).all()
    ):
        raise BadInput(f"{path} does not fit a line of {count} columns: convert the model again")
    return read
