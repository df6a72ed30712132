"""Least squares as NIST certifies it and as statsmodels and scikit-learn compute it."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import missing

from pi_edge.errors import BadInput
from pi_edge.learning.least_squares import Fit, RankDeficient, fit

Matrix = NDArray[np.float64]

# NIST, Statistical Reference Datasets, Longley (1967): certified values.
LONGLEY = {
    "intercept": -3482258.63459582,
    "coefficients": [
        15.0618722713733,
        -0.358191792925910e-01,
        -2.02022980381683,
        -1.03322686717359,
        -0.511041056535807e-01,
        1829.15146461355,
    ],
    "intercept_standard_error": 890420.383607373,
    "standard_errors": [
        84.9149257747669,
        0.334910077722432e-01,
        0.488399681651699,
        0.214274163161675,
        0.226073200069370,
        455.478499142212,
    ],
    "residual_standard_error": 304.854073561965,
    "r_squared": 0.995479004577296,
}


def longley() -> tuple[Matrix, Matrix]:
    data = statsmodels().datasets.longley.load_pandas()
    return data.exog.to_numpy(float), data.endog.to_numpy(float)


def stackloss() -> tuple[Matrix, Matrix]:
    data = statsmodels().datasets.stackloss.load_pandas()
    return data.exog.to_numpy(float), data.endog.to_numpy(float)


def diabetes() -> tuple[Matrix, Matrix]:
    if importlib.util.find_spec("sklearn") is None:
        missing("scikit-learn is not installed (extra test)")
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    return x, y


def badly_scaled() -> tuple[Matrix, Matrix]:
    """Columns of 1e-6, 1 and 1e7, one with an offset a thousand times its spread."""
    random = np.random.default_rng(5)
    x = random.normal(size=(200, 4)) * [1e-6, 1.0, 1e7, 3.0] + [0, 3000.0, 2e7, 0]
    return x, x @ [2e6, -1.0, 4e-7, 0.5] + random.normal(size=200)


def tiny() -> tuple[Matrix, Matrix]:
    """One row more than unknowns."""
    random = np.random.default_rng(6)
    return random.normal(size=(5, 3)), random.normal(size=5)


TABLES = [longley, stackloss, diabetes, badly_scaled, tiny]


def statsmodels() -> Any:
    if importlib.util.find_spec("statsmodels") is None:
        missing("statsmodels is not installed (extra test)")
    import statsmodels.api

    return statsmodels.api


def names(x: Matrix) -> list[str]:
    return [f"c{at}" for at in range(x.shape[1])]


def fitted(x: Matrix, y: Matrix) -> Fit:
    return fit(x, y, names(x))


def close(given: Any, expected: Any, relative: float) -> None:
    np.testing.assert_allclose(np.asarray(given), np.asarray(expected), rtol=relative, atol=0)


def test_longley_is_as_certified_to_twelve_digits() -> None:
    line = fitted(*longley())
    for name, certified in LONGLEY.items():
        close(getattr(line, name), certified, 1e-12)


@pytest.mark.parametrize("table", TABLES)
def test_everything_is_as_statsmodels_has_it(table: Any) -> None:
    x, y = table()
    line = fitted(x, y)
    api = statsmodels()
    # Its default cuts off what is small beside the largest column; its QR has Longley's standard
    # errors 1.1e-8 from NIST's.
    method = "qr" if table is badly_scaled else "pinv"
    other = api.OLS(y, api.add_constant(x)).fit(method=method)
    close([line.intercept, *line.coefficients], other.params, 1e-8)
    assert line.standard_errors is not None
    close([line.intercept_standard_error, *line.standard_errors], other.bse, 1e-8)
    close(line.r_squared, other.rsquared, 1e-8)
    close(line.residual_standard_error, np.sqrt(other.scale), 1e-8)
    assert line.degrees_of_freedom == other.df_resid


@pytest.mark.parametrize("table", TABLES)
def test_the_line_is_as_scikit_learn_has_it(table: Any) -> None:
    x, y = table()
    if importlib.util.find_spec("sklearn") is None:
        missing("scikit-learn is not installed (extra test)")
    from sklearn.linear_model import LinearRegression

    # tol 0: from its version 1.7 on it drops what is small beside the largest column.
    other = LinearRegression(tol=0).fit(x, y)
    line = fitted(x, y)
    close(line.coefficients, other.coef_, 1e-8)
    close(line.intercept, other.intercept_, 1e-8)
    close(line.r_squared, other.score(x, y), 1e-8)
    close(line.predict(x), other.predict(x), 1e-8)


def test_one_column_is_as_exact_fractions_give_it() -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 1000, (2, 50)) / 10
    xs, ys = ([Fraction(float(v)) for v in values] for values in (x, y))
    x_mean, y_mean = sum(xs) / 50, sum(ys) / 50
    slope = sum((a - x_mean) * (b - y_mean) for a, b in zip(xs, ys, strict=True)) / sum(
        (a - x_mean) ** 2 for a in xs
    )
    line = fitted(x[:, None], y)
    close(line.coefficients[0], float(slope), 4e-15)
    close(line.intercept, float(y_mean - slope * x_mean), 4e-15)


def test_an_offset_of_a_billion_moves_only_the_intercept() -> None:
    random = np.random.default_rng(1)
    x = random.integers(0, 1000, (40, 2)).astype(float)
    y = random.normal(size=40)
    close(fitted(x + np.array([1e9, 0]), y).coefficients, fitted(x, y).coefficients, 1e-11)


@pytest.mark.parametrize("factor", [1e-150, 1e150])
def test_units_change_nothing_but_the_unit_of_the_coefficient(factor: float) -> None:
    x, y = badly_scaled()
    close(fitted(x * factor, y).coefficients, np.array(fitted(x, y).coefficients) / factor, 1e-12)


def test_a_row_for_each_unknown_leaves_none_for_standard_errors() -> None:
    line = fitted(np.array([[1.0], [3.0]]), np.array([2.0, 8.0]))
    close([line.intercept, *line.coefficients], [-1, 3], 1e-15)
    assert line.standard_errors is None
    assert line.residual_standard_error is None
    assert line.degrees_of_freedom == 0


def test_a_column_made_of_others_is_told_with_those_others() -> None:
    random = np.random.default_rng(2)
    a, b, c = random.integers(0, 1000, (3, 50)) / 10
    x = np.column_stack([a, b, a + b, c])
    with pytest.raises(RankDeficient) as raised:
        fit(x, random.random(50), ["men", "women", "people", "cars"])
    ((made, makers),) = raised.value.combinations.items()
    assert {made, *makers} == {"men", "women", "people"}


def test_dummies_of_every_kind_make_up_the_intercept() -> None:
    random = np.random.default_rng(3)
    x = np.column_stack([np.eye(3)[random.integers(0, 3, 50)], random.random(50)])
    with pytest.raises(RankDeficient) as raised:
        fit(x, random.random(50), ["red", "green", "blue", "size"])
    ((made, makers),) = raised.value.combinations.items()
    assert {made, *makers} == {"red", "green", "blue"}


def test_a_copy_in_another_unit_far_from_zero_is_found() -> None:
    years = np.arange(2000.0, 2030)
    x = np.column_stack([years, years * 365.25 + 1e6, np.random.default_rng(4).random(30)])
    with pytest.raises(RankDeficient, match=r"'(years|days)' is a combination of '(years|days)'"):
        fit(x, np.arange(30.0) ** 2, ["years", "days", "chance"])


def test_columns_that_differ_in_the_ninth_digit_are_no_copies() -> None:
    random = np.random.default_rng(8)
    a = random.random(50)
    x = np.column_stack([a, a + 1e-9 * random.random(50)])
    line = fit(x, x @ [1.0, 2.0], ["a", "b"])
    close(line.coefficients, [1, 2], 1e-5)


@pytest.mark.parametrize(
    ("x", "y", "line"),
    [
        ([[1.0, 2]], [1.0], "1 rows are too few for 2 columns: at least 3"),
        ([[5.0], [5]], [1.0, 2], "c0 is 5 in every row"),
        ([[1.0], [2]], [3.0, 3], "the target is 3 in every row"),
        ([[1e200], [2e200], [4e200]], [1e-200, 3e-200, 2e-200], "give them in other units"),
    ],
)
def test_what_determines_no_line_is_said(x: Any, y: Any, line: str) -> None:
    x = np.array(x)
    with pytest.raises(BadInput, match=line):
        fitted(x, np.array(y))
