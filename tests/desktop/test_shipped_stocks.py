"""What the models folder promises of stocks, measured on the real prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import missing

from pi_edge.desktop import stocks
from pi_edge.desktop.stocks import data
from pi_edge.desktop.stocks.verify import verify
from pi_edge.errors import NotFound
from pi_edge.learning.forecasts import measure, spans
from pi_edge.tasks.prices import Prices


@pytest.fixture(scope="module")
def prices() -> Prices:
    try:
        return data.load()
    except NotFound as error:
        missing(str(error))
        raise


def told(models: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((models / name / "model.json").read_bytes())
    return document


@pytest.mark.parametrize("name", stocks.NAMES)
@pytest.mark.usefixtures("prices")
def test_a_shipped_model_measures_as_it_says(shipped_models: Path, name: str) -> None:
    assert verify(shipped_models / name, say=lambda _: None) == []


@pytest.mark.parametrize("name", stocks.NAMES)
def test_a_shipped_model_was_trained_on_the_default_prices(
    shipped_models: Path, prices: Prices, name: str
) -> None:
    document = told(shipped_models, name)
    assert document["trained"]["data"]["sha256"] == data.SHA256
    assert document["tickers"] == list(prices.tickers)
    assert document["trained"]["spans"] == spans.split(8313).told(prices.dates)


@pytest.mark.parametrize("variant", ["float32", "float16", "int8"])
def test_stocks_is_no_worse_than_the_last_price_and_its_interval_holds(
    shipped_models: Path, variant: str
) -> None:
    figures = told(shipped_models, "stocks")["variants"][variant]
    assert figures["ratio_to_last_price"] <= 1.005
    assert abs(figures["coverage"] - 0.8) <= 0.03


def test_no_variant_looks_too_good_to_be_true(shipped_models: Path) -> None:
    """One per cent better than the last price would be a sensation, or a leak."""
    for name in stocks.NAMES:
        for figures in told(shipped_models, name)["variants"].values():
            assert figures["ratio_to_last_price"] > 0.99


def test_stocks_beats_stocks_levels_by_a_wide_margin(shipped_models: Path) -> None:
    levels = told(shipped_models, "stocks-levels")["variants"]["float32"]
    series = told(shipped_models, "stocks")["variants"]["float32"]
    assert levels["ratio_to_last_price"] > 2 * series["ratio_to_last_price"]
    assert levels["mae"] > 2 * series["mae"]


def test_the_walk_forward_evaluation_agrees(shipped_models: Path) -> None:
    models = told(shipped_models, "stocks")["trained"]["evaluation"]["models"]
    assert models["stocks"]["ratio"]["value"] <= 1.005
    assert abs(models["stocks"]["coverage"]["value"] - 0.8) <= 0.03
    assert models["stocks-levels"]["ratio"]["value"] > 2


def test_what_the_test_span_was_measured_on_came_after_what_was_learned(
    shipped_models: Path,
) -> None:
    for name in stocks.NAMES:
        divided = told(shipped_models, name)["trained"]["spans"]
        assert divided["train"]["to"] < divided["validation"]["from"]
        assert divided["validation"]["to"] < divided["test"]["from"]


def test_each_precision_says_nearly_the_same(shipped_models: Path, prices: Prices) -> None:
    rows = np.arange(8000, 8313, 20)
    given = {
        variant: measure.answers(
            shipped_models / "stocks" / f"{variant}.tflite", prices.closes, rows, 61
        )
        for variant in ("float32", "float16", "int8")
    }
    for name in measure.OUTPUTS:
        np.testing.assert_allclose(given["float16"][name], given["float32"][name], rtol=2e-4)
        np.testing.assert_allclose(given["int8"][name], given["float32"][name], rtol=4e-3)
