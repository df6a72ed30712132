"""How a model runs best is kept, and the daemon runs it so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from running import drop_in

from pi_edge import files, proving, tuning
from pi_edge.catalog import Entry
from pi_edge.ledger import Ledger
from pi_edge.model import Model
from pi_edge.proving import Bench
from pi_edge.tuning import Tuning
from pi_edge.workers.process import Process, Workshop
from pi_edge.workers.worker import Order

DEFAULT = Tuning(1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path)
    yield opened
    opened.close()


def test_what_is_kept_outlives_the_process(ledger: Ledger, tmp_path: Path) -> None:
    tuning.keep(ledger, "abc", DEFAULT, Tuning(4, xnnpack=False))
    ledger.close()
    again = Ledger(tmp_path)
    assert tuning.known(again, "abc", DEFAULT) == Tuning(4, xnnpack=False)
    again.close()


def test_another_file_runs_as_the_settings_say(ledger: Ledger) -> None:
    tuning.keep(ledger, "abc", DEFAULT, Tuning(4))
    assert tuning.known(ledger, "def", DEFAULT) == DEFAULT


def test_what_was_found_beside_other_settings_does_not_count(ledger: Ledger) -> None:
    tuning.keep(ledger, "abc", DEFAULT, Tuning(4))
    assert tuning.known(ledger, "abc", Tuning(2)) == Tuning(2)


def test_what_was_found_with_another_runtime_does_not_count(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning.keep(ledger, "abc", DEFAULT, Tuning(4))
    monkeypatch.setattr(tuning.runtime, "describe", lambda: {"name": "other", "version": "1"})
    assert tuning.known(ledger, "abc", DEFAULT) == DEFAULT


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"threads": 1, "gpu": true}'])
def test_what_another_version_kept_does_not_count(ledger: Ledger, kept: str) -> None:
    ledger.tune(tuning._key("abc", DEFAULT), kept)
    assert tuning.known(ledger, "abc", DEFAULT) == DEFAULT


def threads_of(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Threads:"))


def test_a_worker_runs_its_model_on_as_many_threads(
    ledger: Ledger, shop: Workshop, shipped_models: Path
) -> None:
    file = shipped_models / "mnist-cnn/float32.tflite"
    entry = Entry("mnist-cnn", "tensors", "default", {"default": file})
    tuning.keep(ledger, files.sha256(file), DEFAULT, Tuning(3))
    process, _ = proving.start(Bench(shop, ledger), entry, "default")
    assert threads_of(process.pid) >= 3
    process.close()


def test_a_worker_runs_its_model_with_the_kernels_that_were_found(
    ledger: Ledger, shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Entry("double", "tensors", "default", {"default": drop_in("double", tmp_path)})
    best = Tuning(1, xnnpack=False)
    tuning.keep(ledger, files.sha256(entry.files["default"]), DEFAULT, best)
    orders: list[Order] = []
    real = Workshop.start

    def noting(self: Workshop, order: Order, seconds: float) -> Process:
        orders.append(order)
        return real(self, order, seconds)

    monkeypatch.setattr(Workshop, "start", noting)
    process, _ = proving.start(Bench(shop, ledger), entry, "default")
    outputs = process.run({"x": np.array([[1, 2, 3]], np.float32)}, 10.0)
    process.close()
    assert [order.xnnpack for order in orders] == [False]
    assert next(iter(outputs.values())).tolist() == [[2, 4, 6]]


def test_a_worker_is_given_as_many_rows_together(
    ledger: Ledger, shop: Workshop, shipped_models: Path
) -> None:
    file = shipped_models / "mnist-mlp/float32.tflite"
    entry = Entry("mnist-mlp", "tensors", "default", {"default": file})
    tuning.keep(ledger, files.sha256(file), DEFAULT, Tuning(1, batch=8))
    process, _ = proving.start(Bench(shop, ledger), entry, "default")
    assert process.batch == 8
    process.close()


@pytest.mark.parametrize("copy", [False, True])
def test_a_model_answers_the_same_without_xnnpack(shipped_models: Path, copy: bool) -> None:
    file = shipped_models / "mnist-cnn/float32.tflite"
    image = {"image": np.random.default_rng(0).uniform(0, 255, (1, 28, 28)).astype(np.float32)}
    usual = Model(file).run(image)["probabilities"]
    other = Model(file, copy=copy, xnnpack=False).run(image)["probabilities"]
    np.testing.assert_allclose(usual, other, atol=1e-5)
