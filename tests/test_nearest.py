"""Names that somebody may have meant."""

from __future__ import annotations

import pytest

from pi_edge.nearest import instead, nearest, unknown

MODELS = ["mnist-linear", "mnist-mlp", "mnist-cnn", "style", "stocks"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mnist-cmn", "mnist-cnn"),
        ("mnist_cnn", "mnist-cnn"),
        ("MNIST-CNN", "mnist-cnn"),
        ("stock", "stocks"),
        ("nobody", ""),
        ("", ""),
    ],
)
def test_the_nearest_is_found_where_one_is_near(written: str, meant: str) -> None:
    assert nearest(written, MODELS) == meant


def test_without_a_near_one_all_are_listed() -> None:
    assert unknown("model", "nobody", ["a", "b"]) == "there is no model 'nobody'; there are a, b"
    assert unknown("model", "nobody", []) == "there is no model 'nobody'; there are none"
    assert instead("int9", ["int8"], "it has") == ": did you mean 'int8'?"


def test_what_is_too_long_to_be_a_typing_error_is_not_looked_at() -> None:
    assert nearest("mnist-cnn" * 100_000, MODELS) == ""
    assert nearest("mnist-cmn", (f"mnist-{number}" for number in range(100_000))) == ""
