from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pi_edge import catalog
from pi_edge.benchmark import training
from pi_edge.desktop import memory


def entry(name: str = "mnist-mlp", task: str = "digits", **changes: Any) -> catalog.Entry:
    """A model whose model.json tells of its training; keywords change what it tells."""
    told = {
        "network": "784-32-10 with relu",
        "parameters": 25450,
        "epochs": 30,
        "seconds": 33,
        "date": "2026-11-23T20:33:16+00:00",
        "versions": {"python": "3.11.7", "tensorflow": "2.21.0"},
        "machine": {"system": "Linux", "architecture": "x86_64", "processor": "EPYC", "cores": 2},
        "memory": {"peak_bytes": 604_000_000, "tensorflow_import_bytes": 566_000_000},
    } | changes
    return catalog.Entry(name, task, "float32", {}, {"trained": told})


def test_time_and_memory_stand_beside_the_notes() -> None:
    text = training.to_text(training.collect([entry()]))
    line = next(line for line in text.splitlines() if line.startswith("mnist-mlp"))
    assert line.split() == ["mnist-mlp", "30", "33.0", "604", "38.0", "-", "-", "2000"]
    assert "EPYC, 2 cores, x86_64, Linux, TensorFlow 2.21.0, 2026-11-23" in text


def test_the_shipped_digit_networks_are_all_there(shipped_models: Path) -> None:
    entries, _ = catalog.find(shipped_models)
    shown = training.collect(entries.values())
    assert [one.model for one in shown] == ["mnist-flux-cnn", "mnist-linear", "mnist-mlp",
                                            "mnist-cnn"]  # fmt: skip
    assert max(len(line) for line in training.to_text(shown).splitlines()) <= 100


def test_several_machines_are_told_apart() -> None:
    other = {"system": "Linux", "architecture": "aarch64", "processor": "A76", "cores": 4}
    lines = training.where(training.collect([entry(), entry("mnist-linear", machine=other)]))
    assert [line.split(":")[0] for line in lines] == ["mnist-linear", "mnist-mlp"]


@pytest.mark.parametrize("damage", [{"memory": None}, {"seconds": "long"}, {"machine": {}}])
def test_a_model_that_tells_no_training_is_left_out(damage: dict[str, Any]) -> None:
    assert training.collect([entry(**damage)]) == []
    assert training.to_text([]) == ""


def test_what_is_no_digit_network_is_left_out() -> None:
    assert training.collect([entry(task="stocks")]) == []


def test_training_prints_the_same_figures_of_the_notes() -> None:
    said = memory.report(604_000_000, 566_000_000)
    assert "peak memory 604 MB, of which importing TensorFlow 566 MB and training 38 MB" in said
    for figure in ("400 MB in Python TensorFlow", "600 MB in TensorFlow.jl", "2.6 GB in Flux",
                   "mnist-mlp: 2.0 GB in Flux"):  # fmt: skip
        assert figure in said
