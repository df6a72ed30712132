"""A line brought up to date with new rows is the line fitted to all rows, to 1e-10."""

from __future__ import annotations

import itertools
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import statsmodels.api

from pi_edge.errors import BadInput
from pi_edge.learning import least_squares, triangle
from pi_edge.learning.least_squares import Fit

SAME = 1e-10


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Columns of any unit and offset, a target made of them and noise, and where to cut."""
    count = draw(st.integers(1, 6))
    first = draw(st.integers(count + 2, 40))
    rows = first + draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    units = 10.0 ** np.array([draw(st.integers(-9, 9)) for _ in range(count)])
    offsets = np.array([draw(st.sampled_from([0.0, -3.0, 1e3, 1e6])) for _ in range(count)])
    x = (random.normal(size=(rows, count)) + offsets) * units
    noise = 10.0 ** draw(st.integers(-6, 2))
    y = (x / units) @ random.normal(size=count) + noise * random.normal(size=rows)
    y = (y + draw(st.sampled_from([0.0, 1e4]))) * 10.0 ** draw(st.integers(-9, 9))
    cuts = draw(st.lists(st.integers(first + 1, rows), max_size=5))
    return x, y, sorted({first, *cuts, rows})


@hypothesis.given(tables())
@hypothesis.settings(deadline=None, max_examples=300)
def test_rows_that_come_later_give_the_line_of_all_rows(
    table: tuple[np.ndarray, np.ndarray, list[int]],
) -> None:
    x, y, cuts = table
    updated = triangle.of(x[: cuts[0]], y[: cuts[0]])
    for start, stop in itertools.pairwise(cuts):
        updated = updated.with_rows(x[start:stop], y[start:stop])
    columns = [f"column {at}" for at in range(x.shape[1])]
    expect_same(updated.fit(columns), least_squares.fit(x, y, columns), x, y)


def test_numpys_lstsq_finds_the_same(random_table: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = random_table
    line = halves(x, y).fit(["a", "b", "c"])
    found = np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y, rcond=None)[0]
    np.testing.assert_allclose([line.intercept, *line.coefficients], found, rtol=SAME)


def test_statsmodels_finds_the_same_and_is_as_sure(
    random_table: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = random_table
    line = halves(x, y).fit(["a", "b", "c"])
    found = statsmodels.api.OLS(y, statsmodels.api.add_constant(x)).fit()
    np.testing.assert_allclose([line.intercept, *line.coefficients], found.params, rtol=SAME)
    errors = [line.intercept_standard_error, *(line.standard_errors or ())]
    np.testing.assert_allclose(errors, found.bse, rtol=SAME)
    assert line.r_squared == pytest.approx(found.rsquared, rel=SAME)
    assert line.residual_standard_error == pytest.approx(np.sqrt(found.scale), rel=SAME)
    assert line.degrees_of_freedom == found.df_resid


def test_the_order_of_rows_does_not_matter(random_table: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = random_table
    order = np.random.default_rng(3).permutation(len(x))
    columns = ["a", "b", "c"]
    expect_same(halves(x[order], y[order]).fit(columns), halves(x, y).fit(columns), x, y)


def test_ten_thousand_rows_one_at_a_time_keep_ten_digits() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(10_010, 2)) * (1.0, 1e-3) + (2000.0, 5.0)
    y = x @ (0.5, -70.0) + random.normal(size=len(x))
    updated = triangle.of(x[:10], y[:10])
    for at in range(10, len(x)):
        updated = updated.with_rows(x[at : at + 1], y[at : at + 1])
    expect_same(updated.fit("ab"), least_squares.fit(x, y, "ab"), x, y)


def test_more_rows_than_a_block_has_are_all_counted() -> None:
    random = np.random.default_rng(5)
    x = random.normal(size=(10_000, 1))
    y = x[:, 0] + random.normal(size=len(x))
    whole = triangle.of(x, y)
    assert whole.rows == 10_000
    expect_same(whole.fit("a"), least_squares.fit(x, y, "a"), x, y)


def test_new_rows_far_from_the_old_ones_cost_no_digits() -> None:
    random = np.random.default_rng(6)
    x = np.concatenate([random.normal(size=20), 1e7 + random.normal(size=500)])[:, None]
    y = 3 * x[:, 0] + random.normal(size=len(x))
    updated = triangle.of(x[:20], y[:20]).with_rows(x[20:], y[20:])
    expect_same(updated.fit("a"), least_squares.fit(x, y, "a"), x, y)


def test_a_row_left_out_is_missed_by_what_a_fit_without_it_misses_it_by(
    random_table: tuple[np.ndarray, np.ndarray],
) -> None:
    x, y = random_table
    given = halves(x, y).left_out(x[20:], y[20:])
    for at in range(20, len(x)):
        without = least_squares.fit(np.delete(x, at, 0), np.delete(y, at), "abc")
        missed = y[at] - without.predict(x[at : at + 1])[0]
        assert given[at - 20] == pytest.approx(missed, rel=1e-9)


def test_a_row_that_alone_tells_a_coefficient_cannot_be_left_out() -> None:
    x, y = np.array([[0.0], [1.0]]), np.array([1.0, 2.0])
    assert np.isinf(triangle.of(x, y).left_out(x, y)).all()


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    kept = triangle.of(np.arange(6.0)[:, None], np.arange(6.0) ** 2)
    triangle.save(kept, tmp_path / "fit.npz")
    read = triangle.load(tmp_path / "fit.npz", 1)
    assert (read.origin == kept.origin).all()
    assert (read.r == kept.r).all()
    assert read.rows == 6


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fit.npz"
    triangle.save(triangle.of(np.arange(6.0)[:, None], np.arange(6.0) ** 2), path)
    contents = path.read_bytes()
    for damaged in (b"", contents[:100], b"PK" + contents[2:-40]):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match="is damaged"):
            triangle.load(path, 1)


@pytest.mark.parametrize("change", ["columns", "NaN", "float32", "singular"])
def test_a_file_of_another_line_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "fit.npz"
    kept = triangle.of(np.arange(6.0)[:, None], np.arange(6.0) ** 2)
    arrays = {"origin": kept.origin, "r": kept.r.copy(), "rows": np.array(6)}
    if change == "NaN":
        arrays["r"][0, 0] = np.nan
    elif change == "singular":
        arrays["r"][1, 1] = 0
    elif change == "float32":
        arrays["r"] = arrays["r"].astype(np.float32)
    np.savez(path, **arrays)
    with pytest.raises(BadInput, match="does not fit a line"):
        triangle.load(path, 2 if change == "columns" else 1)


@pytest.fixture
def random_table() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    x = random.normal(size=(50, 3)) * (1.0, 40.0, 0.01) + (0.0, 300.0, 7.0)
    return x, x @ (2.0, -0.1, 300.0) + random.normal(size=50)


def halves(x: np.ndarray, y: np.ndarray) -> triangle.Triangle:
    middle = len(x) // 2
    return triangle.of(x[:middle], y[:middle]).with_rows(x[middle:], y[middle:])


def expect_same(given: Fit, wanted: Fit, x: np.ndarray, y: np.ndarray) -> None:
    """To 1e-10 of each number, or of what it adds to a prediction where that is nothing beside
    the target: a coefficient that is rounding alone has no digits to agree in."""
    adds = np.abs(x).max(0)
    for now, then, slack in zip(
        (given.intercept, *given.coefficients),
        (wanted.intercept, *wanted.coefficients),
        (np.abs(y).max() + adds @ np.abs(wanted.coefficients), *(y.std() / x.std(0))),
        strict=True,
    ):
        assert abs(now - then) <= SAME * max(abs(then), slack)
    assert given.rows == wanted.rows
    assert given.degrees_of_freedom == wanted.degrees_of_freedom
    assert given.r_squared == pytest.approx(wanted.r_squared, abs=SAME)
    assert given.residual_standard_error == pytest.approx(
        wanted.residual_standard_error, rel=1e-6, abs=SAME * y.std()
    )
