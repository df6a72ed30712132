from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pi_edge.benchmark.same_answers import agreement, difference


def answers(sha256: str = "same", **outputs: Any) -> dict[str, np.ndarray]:
    arrays = {f"outputs/{name}": np.asarray(value) for name, value in outputs.items()}
    return {**arrays, "sha256": np.array(sha256)}


def test_the_largest_difference_of_all_outputs_and_its_name() -> None:
    found = agreement(answers(y=[1.0, 2.0], z=[5.0]), answers(y=[1.0, 2.1], z=[5.3]), 0.5)
    assert (found.difference, found.output, found.problem) == (pytest.approx(0.3), "z", "")


def test_beyond_the_tolerance_is_a_problem_with_both_figures() -> None:
    found = agreement(answers(y=[1.0]), answers(y=[1.25]), 0.06)
    assert found.problem == "y is 0.25 apart, 0.06 is allowed"


def test_without_a_tolerance_told_large_outputs_may_differ_by_more() -> None:
    assert agreement(answers(y=[0.5]), answers(y=[0.6]), None).tolerance == 1e-4
    assert agreement(answers(y=[5000.0]), answers(y=[5000.2]), None).tolerance == 0.5


def test_answers_to_other_questions_are_not_compared() -> None:
    found = agreement(answers("a", y=[1.0]), answers("b", y=[1.0]), None)
    assert (found.difference, found.problem) == (None, "the inputs were not the same")


def test_outputs_of_other_names_or_shapes_are_a_problem() -> None:
    assert "other names" in agreement(answers(y=[1.0]), answers(z=[1.0]), None).problem
    assert "not of the same kind" in agreement(answers(y=[1.0]), answers(y=[[1.0]]), None).problem


def test_a_nan_on_one_side_is_a_problem_that_json_can_hold() -> None:
    found = agreement(answers(y=[1.0]), answers(y=[np.nan]), None)
    assert found.difference is None
    assert found.problem.startswith("y is inf apart")


@pytest.mark.parametrize(
    ("here", "there", "apart"),
    [
        ([np.nan, np.inf], [np.nan, np.inf], 0.0),
        ([np.inf], [-np.inf], np.inf),
        ([1, 5], [1, 2], 3.0),
        ([True], [False], 1.0),
        (np.array([200], np.uint8), np.array([250], np.uint8), 50.0),
        ([1 + 1j], [1 + 4j], 3.0),
        ([b"yes"], [b"yes"], 0.0),
        ([b"yes"], [b"may"], np.inf),
        ([], [], 0.0),
    ],
)
def test_difference(here: Any, there: Any, apart: float) -> None:
    assert difference(np.asarray(here), np.asarray(there)) == apart
