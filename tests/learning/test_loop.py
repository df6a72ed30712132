"""What a learning goes on from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from pi_edge.learning import loop
from pi_edge.learning.graph import TrainingGraph
from pi_edge.learning.loop import Course, Stopped

ROWS = np.random.default_rng(0)
IMAGES = ROWS.integers(0, 256, (300, 28, 28), dtype=np.uint8)
LABELS = ROWS.integers(0, 10, 300).astype(np.uint8)


def course(epochs: int = 2) -> Course:
    return Course(
        title="mine",
        count=len(LABELS),
        batch=lambda rows: ({"image": IMAGES[rows]}, LABELS[rows]),
        epochs=epochs,
        rate=1e-3,
        seed=0,
        plan={"epochs": epochs},
    )


@pytest.fixture
def graph(shipped_models: Path) -> TrainingGraph:
    return TrainingGraph(shipped_models / "mnist-mlp/train.tflite")


def interrupt(graph: TrainingGraph, start: Mapping[str, np.ndarray], kept: Path) -> None:
    with pytest.raises(Stopped):
        loop.learn(graph, course(), start, kept, say=lambda _: None, stop=lambda: True)


def test_the_same_learning_goes_on(graph: TrainingGraph, tmp_path: Path) -> None:
    kept, said = tmp_path / "kept.npz", list[str]()
    start = graph.weights()
    interrupt(graph, start, kept)
    loop.learn(graph, course(), start, kept, say=said.append)
    assert said[0] == "mine: going on after step 1"


def test_a_model_that_was_replaced_meanwhile_is_learned_from_anew(
    graph: TrainingGraph, tmp_path: Path
) -> None:
    kept, said = tmp_path / "kept.npz", list[str]()
    start = graph.weights()
    interrupt(graph, start, kept)
    replaced = {name: array + 1 for name, array in start.items()}
    loop.learn(graph, course(), replaced, kept, say=said.append)
    assert said[0] == "mine: other data or settings than last time: starting over"


def test_other_settings_begin_anew(graph: TrainingGraph, tmp_path: Path) -> None:
    kept, said = tmp_path / "kept.npz", list[str]()
    start = graph.weights()
    interrupt(graph, start, kept)
    loop.learn(graph, course(epochs=1), start, kept, say=said.append)
    assert said[0] == "mine: other data or settings than last time: starting over"
