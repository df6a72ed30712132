"""Counts of instructions beside those known before."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from bench_instructions import comparison
from bench_instructions.comparison import KNOWN

from pi_edge import catalog

BEFORE = {"m/float32 bare": 1000, "start": 5_000_000}


def test_what_costs_more_than_is_allowed_is_worse() -> None:
    changes = comparison.changes(BEFORE, {"m/float32 bare": 1021, "start": 5_000_000})
    assert changes.worse
    assert changes.told == ["WORSE: m/float32 bare, 1,021 instructions, +2.1%"]


def test_what_is_allowed_is_not_worse() -> None:
    changes = comparison.changes(BEFORE, {"m/float32 bare": 1020, "start": 5_000_000})
    assert changes == (["no row of 2 differs by more than 2%"], False)


def test_what_costs_less_is_told_and_not_worse() -> None:
    changes = comparison.changes(BEFORE, {"m/float32 bare": 500})
    assert changes == (["better: m/float32 bare, 500 instructions, -50.0%"], False)


def test_one_gain_does_not_make_up_for_a_loss() -> None:
    assert comparison.changes(BEFORE, {"m/float32 bare": 1100, "start": 1}).worse


def test_a_path_that_is_new_is_told_and_not_worse() -> None:
    changes = comparison.changes(BEFORE, {"m/float32 JSON": 7})
    assert changes == (["new: m/float32 JSON, 7 instructions"], False)


def test_the_table_has_a_line_a_variant_and_a_column_a_path() -> None:
    counts = {"m/float32 bare": 1000, "m/float32 JSON": 2_000_000, "start": 5_000_000}
    table = comparison.table(64, counts, {"Python": "3.11.2"}).splitlines()
    assert table[0] == "64 bit: Python 3.11.2"
    assert table[1].split() == ["thousands", "of", "instructions", *comparison._PATHS]
    assert table[2].split() == ["m/float32", "1", "-", "-", "2,000", "-"]
    assert table[3].split() == ["start", "5.0", "million"]


@pytest.mark.parametrize("bits", ["64", "32"])
def test_every_variant_of_every_model_is_known(bits: str, shipped_models: Path) -> None:
    rows = json.loads(KNOWN.read_text())[bits]["rows"]
    entries, _ = catalog.find(shipped_models)
    for entry in entries.values():
        for variant in entry.files:
            for path in ("bare", "Model", "JSON", "binary"):
                assert rows[f"{entry.name}/{variant} {path}"] > 0
