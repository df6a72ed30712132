"""Names and mixes of styles."""

from __future__ import annotations

import pytest

from pi_edge.errors import BadInput, NotFound
from pi_edge.tasks.style import choice

KNOWN = ["great-wave", "scream", "udnie"]


def test_one_style_weighs_one() -> None:
    assert choice.one("scream", KNOWN).tolist() == [0, 1, 0]


def test_a_mix_is_brought_to_a_sum_of_one() -> None:
    weights = choice.weights(choice.parse("udnie=3, scream=1"), KNOWN)
    assert weights.tolist() == [0, 0.25, 0.75]


def test_names_without_weights_count_alike() -> None:
    assert choice.weights(choice.parse("udnie,scream"), KNOWN).tolist() == [0, 0.5, 0.5]


def test_an_unknown_style_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFound, match=r"no style 'monet'; there are great-wave, scream, udnie"):
        choice.one("monet", KNOWN)


@pytest.mark.parametrize("text", ["udnie=much", "", ",", "udnie=-1", "udnie=0", "udnie=nan"])
def test_what_is_no_mix_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        choice.weights(choice.parse(text), KNOWN)
