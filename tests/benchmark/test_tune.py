"""Which settings win, and that none wins by chance."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from running import install

from pi_edge import files, tuning
from pi_edge.benchmark import inputs, together, tune
from pi_edge.benchmark.tune import BATCHES, Outcome, candidates, outcome
from pi_edge.cli import main
from pi_edge.ledger import Ledger
from pi_edge.model import Model, TensorSpec
from pi_edge.tuning import Tuning

ONE, TWO, OWN = Tuning(1), Tuning(2), Tuning(1, xnnpack=False)
TOGETHER = [Tuning(1, batch=rows) for rows in BATCHES]


def test_the_default_is_the_first_of_all_settings() -> None:
    assert candidates(TWO, 2) == [TWO, ONE, OWN, Tuning(2, xnnpack=False)]


def test_a_default_of_more_threads_than_cores_is_tried_too() -> None:
    assert candidates(Tuning(8), 1) == [Tuning(8), ONE, OWN]


def test_what_is_faster_each_time_wins() -> None:
    assert outcome({ONE: [10, 20, 10], TWO: [6, 12, 6]}, ONE) == Outcome(TWO, 10, 6, 6)


def test_of_several_the_fastest_wins() -> None:
    times = {ONE: [10.0, 10.0], TWO: [6.0, 6.0], OWN: [5.0, 5.0]}
    assert outcome(times, ONE).best == OWN


def test_what_was_once_slower_does_not_win() -> None:
    assert outcome({ONE: [10, 10, 10], TWO: [5, 5, 10.1]}, ONE).best == ONE


def test_a_gain_too_small_to_matter_does_not_win() -> None:
    assert outcome({ONE: [10, 10, 10], TWO: [9.6, 9.7, 9.6]}, ONE) == Outcome(ONE, 10, 10, 10)


def test_what_won_has_to_win_once_more(
    monkeypatch: pytest.MonkeyPatch, shipped_models: Path
) -> None:
    asked = []

    def measured(file: Path, folder: Path, wanted: list[Tuning]) -> tune.Times:
        asked.append(list(wanted))
        return {one: [10.0, 10.0] if one == ONE or len(asked) > 1 else [5.0, 5.0] for one in wanted}

    monkeypatch.setattr(tune, "_measured", measured)
    assert tune.tune(shipped_models, shipped_models, ONE, 2).best == ONE
    assert asked == [candidates(ONE, 2), [ONE, TWO], [ONE, *TOGETHER]]


def test_rows_are_computed_together_where_each_then_takes_less(
    monkeypatch: pytest.MonkeyPatch, shipped_models: Path
) -> None:
    def measured(file: Path, folder: Path, wanted: list[Tuning]) -> tune.Times:
        return {one: [10.0 / one.batch] * 2 for one in wanted}

    monkeypatch.setattr(tune, "_measured", measured)
    found = tune.tune(shipped_models, shipped_models, ONE, 1)
    assert found == Outcome(TOGETHER[-1], 10.0, 10.0, 10.0 / TOGETHER[-1].batch)


class Little:
    """A model that adds to each row what it is told to."""

    inputs = outputs = (TensorSpec("x", np.dtype(np.float32), (-1, 2), 0),)

    def __init__(self, added: Callable[[np.ndarray], Any]) -> None:
        self._added = added

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"y": inputs["x"] + self._added(inputs["x"])}


ROWS = together.rows({"x": np.ones((1, 2), np.float32)}, 3)


def test_rows_to_find_out_with_differ() -> None:
    assert len(np.unique(ROWS["x"], axis=0)) == 3


def test_a_model_whose_rows_are_none_of_each_others_business_may_have_them_together() -> None:
    model = cast(Model, Little(lambda x: 1))
    assert together.possible(model)
    assert together.same(model, ROWS)


def test_a_model_that_looks_at_all_rows_may_not() -> None:
    assert not together.same(cast(Model, Little(lambda x: x.mean())), ROWS)


def test_a_model_that_takes_one_row_may_not() -> None:
    class OneRow(Little):
        outputs = (TensorSpec("y", np.dtype(np.float32), (1, 2), 1),)

    assert not together.possible(cast(Model, OneRow(lambda x: 1)))


def test_the_shipped_digits_are_the_same_together(shipped_models: Path) -> None:
    model = Model(shipped_models / "mnist-mlp/int8.tflite")
    example, _ = inputs.choose(model.inputs, shipped_models / "mnist-mlp")
    assert together.same(model, together.rows(example, 16))


def test_the_command_keeps_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "ROUND_SECONDS", 0.01)
    models, state = tmp_path / "models", tmp_path / "state"
    file = install("double", models) / "v1.tflite"
    assert main(["tune", "--models", str(models), "--state", str(state), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["model"] == "double"
    assert row["default"] == "1 thread"
    assert row["ratio"] <= 1
    ledger = Ledger(state)
    kept = tuning.known(ledger, files.sha256(file), ONE)
    ledger.close()
    assert (kept.threads, kept.xnnpack) == (row["threads"], row["xnnpack"])


def test_a_model_that_does_not_work_is_told_and_the_others_are_tuned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "ROUND_SECONDS", 0.01)
    models = tmp_path / "models"
    install("double", models)
    models.joinpath("broken.tflite").write_bytes(b"no model at all")
    assert main(["tune", "--models", str(models), "--state", str(tmp_path / "state")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "is not a TFLite model" in next(line for line in lines if line.startswith("broken"))
    assert any(line.startswith("double") and "x" in line for line in lines)
