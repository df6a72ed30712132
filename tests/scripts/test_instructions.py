"""Nothing costs an emulated Pi more instructions than it did."""

from __future__ import annotations

import json
import sys

import pytest
from support import ROOT, missing

sys.path += [str(ROOT / "scripts"), str(ROOT / "tests" / "emulated_pi")]

import bench_board
from bench_instructions import comparison
from bench_instructions.comparison import KNOWN
from bench_instructions.counting import count

from pi_edge.errors import Unavailable

# One of each task that is quick to count, with all of their paths; the others differ in the graph.
MODELS = ("mnist-mlp", "mnist-cnn", "stocks", "fire-theft")


@pytest.mark.parametrize("bits", [64, 32])
def test_no_path_costs_more_instructions_than_it_did(bits: int) -> None:
    try:
        with bench_board.installed(bits) as tree:
            counts, versions = count(tree, MODELS)
    except Unavailable as error:
        missing(str(error))
    known = json.loads(KNOWN.read_text())[str(bits)]
    changes = comparison.changes(known["rows"], counts)
    told = "\n".join(changes.told)
    assert not changes.worse, f"{told}\nthen with {known['versions']}, now with {versions}"
    assert set(counts) <= set(known["rows"])
