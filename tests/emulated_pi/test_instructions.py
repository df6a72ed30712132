"""Nothing costs an emulated Pi more instructions than it did."""

from __future__ import annotations

import json
import sys

import pytest
from debian_trees import RECIPES
from raspberry_pi import Pi
from support import ROOT, missing

sys.path.append(str(ROOT / "scripts"))

from bench_instructions import comparison
from bench_instructions.comparison import KNOWN
from bench_instructions.counting import count
from emulated_pi import needs

from pi_edge.errors import Unavailable

# By what scripts/bench-instructions calls a board; Trixie's is not counted.
BITS = {"bookworm-arm64": "64", "bookworm-armhf": "32"}
# One of each task that is quick to count, with all of their paths; the others differ in the graph.
MODELS = ("mnist-mlp", "mnist-cnn", "stocks", "fire-theft")


COUNTED = [recipe for recipe in RECIPES if recipe.name in BITS]


@pytest.mark.parametrize("pi", COUNTED, indirect=True, ids=lambda recipe: recipe.name)
def test_no_path_costs_more_instructions_than_it_did(pi: Pi) -> None:
    try:
        needs.to_run()
    except Unavailable as error:
        missing(str(error))
    known = json.loads(KNOWN.read_text())[BITS[pi.recipe.name]]
    counts, versions = count(pi.tree, MODELS)
    changes = comparison.changes(known["rows"], counts)
    told = "\n".join(changes.told)
    assert not changes.worse, f"{told}\nthen with {known['versions']}, now with {versions}"
    assert set(counts) <= set(known["rows"])
