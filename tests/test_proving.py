"""Starting a worker for a file, and keeping what came of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from running import DATA, drop_in, install

from pi_edge import catalog, proving
from pi_edge.catalog import Entry
from pi_edge.errors import PiEdgeError, Unavailable
from pi_edge.ledger import Ledger
from pi_edge.proving import Bench
from pi_edge.workers.process import Process, Workshop

ONE = {"x": np.array([[1, 2, 3]], np.float32)}


@pytest.fixture
def bench(shop: Workshop, tmp_path: Path) -> Iterator[Bench]:
    ledger = Ledger(tmp_path)
    yield Bench(shop, ledger)
    ledger.close()


def bare(name: str, folder: Path) -> Entry:
    return Entry(name, "tensors", "default", {"default": drop_in(name, folder)})


def checked(folder: Path, check: dict[str, Any]) -> Entry:
    return catalog.read(install("double", folder, check=check))


def start(bench: Bench, entry: Entry, again: bool = False) -> Process:
    return proving.start(bench, entry, entry.default, again)[0]


def attempts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time limits of all workers started from now on."""
    limits: list[float] = []
    real = Workshop.start

    def counting(self: Workshop, order: Any, seconds: float) -> Process:
        limits.append(seconds)
        return real(self, order, seconds)

    monkeypatch.setattr(Workshop, "start", counting)
    return limits


def test_a_file_nothing_is_known_of_is_tried_in_little_time_once(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits, entry = attempts(bench, monkeypatch), bare("double", tmp_path)
    assert not proving.known(bench, entry, "default")
    start(bench, entry).close()
    assert proving.known(bench, entry, "default")
    start(bench, entry).close()
    assert limits == [proving.TIME_LIMIT, proving.LONG_TIME_LIMIT]


def test_nothing_is_held_against_a_file_whose_trial_was_cut_short(
    bench: Bench, tmp_path: Path
) -> None:
    closed, entry = Workshop(), bare("double", tmp_path)
    closed.close()
    with pytest.raises(Unavailable, match="no models are started any more"):
        start(replace(bench, workshop=closed), entry)
    assert not proving.known(bench, entry, "default")


def test_a_file_that_ran_when_it_was_measured_gets_more_time(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = attempts(bench, monkeypatch)
    start(bench, catalog.read(install("double", tmp_path))).close()
    assert limits == [proving.LONG_TIME_LIMIT]


def test_a_file_found_unfit_is_not_tried_again_unless_somebody_asks(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "TIME_LIMIT", 0.5)
    monkeypatch.setattr(proving, "LONG_TIME_LIMIT", 0.7)
    limits, entry = attempts(bench, monkeypatch), bare("endless", tmp_path)
    with pytest.raises(PiEdgeError, match="did not finish"):
        start(bench, entry)
    with pytest.raises(PiEdgeError, match="did not finish"):
        start(bench, entry)
    assert limits == [0.5]
    with pytest.raises(PiEdgeError, match="did not finish"):
        start(bench, entry, again=True)
    assert limits == [0.5, 0.7]


def test_what_was_found_unfit_is_known_after_a_restart(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = bare("custom", tmp_path)
    with pytest.raises(PiEdgeError, match="Digamma"):
        start(Bench(shop, Ledger(tmp_path)), entry)
    later = Bench(shop, Ledger(tmp_path))
    limits = attempts(later, monkeypatch)
    with pytest.raises(PiEdgeError, match="Digamma"):
        start(later, entry)
    assert limits == []


def test_another_runtime_is_another_trial(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = bare("double", tmp_path)
    start(bench, entry).close()
    monkeypatch.setattr(proving.runtime, "describe", lambda: {"name": "other", "version": "9"})
    assert not proving.known(bench, entry, "default")


def test_a_file_other_than_told_is_refused(bench: Bench, tmp_path: Path) -> None:
    entry = catalog.read(install("double", tmp_path))
    entry.files["v1"].write_bytes((DATA / "triple.tflite").read_bytes())
    with pytest.raises(PiEdgeError, match="copy it again"):
        start(bench, entry)


def test_a_file_that_is_gone_is_refused(bench: Bench, tmp_path: Path) -> None:
    entry = bare("double", tmp_path)
    entry.files["default"].unlink()
    with pytest.raises(PiEdgeError, match="cannot be read: No such file"):
        start(bench, entry)


RIGHT = {"inputs": {"x": [[1, 2, 3]]}, "outputs": {"y": [[2, 4, 6]]}}
WRONG = {"inputs": {"x": [[1, 2, 3]]}, "outputs": {"y": [[2, 4, 6.5]]}}


def test_a_model_that_passes_its_check_serves(bench: Bench, tmp_path: Path) -> None:
    worker = start(bench, checked(tmp_path, RIGHT))
    assert worker.run(ONE, 60)["y"].tolist() == [[2, 4, 6]]
    worker.close()


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (WRONG, r"its check failed: y is 0\.5 from what its check expects"),
        ({**RIGHT, "outputs": {"z": [1]}}, "its check failed: it gives no z"),
        ({**RIGHT, "inputs": {"x": [1, 2]}}, "its check failed"),
        ({"inputs": {"x": 7}}, "cannot be read"),
        ({"file": "nowhere.npz"}, "cannot be read"),
        ({**RIGHT, "inputs": {"x": [["a", "b", "c"]]}}, "cannot be read"),
        ({**RIGHT, "inputs": {"z": "text"}}, "cannot be read"),
        ({**RIGHT, "outputs": {"y": [["a", "b", "c"]]}}, "its check expects none"),
    ],
)
def test_a_model_that_fails_its_check_is_refused(
    bench: Bench, tmp_path: Path, check: dict[str, Any], reason: str
) -> None:
    with pytest.raises(PiEdgeError, match=reason):
        start(bench, checked(tmp_path, check))


@pytest.mark.parametrize("check", [WRONG, {"file": "nowhere.npz"}], ids=["wrong", "unreadable"])
def test_no_worker_is_left_of_a_model_that_fails_its_check(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: dict[str, Any]
) -> None:
    started: list[Process] = []
    real = Workshop.start

    def start_and_note(self: Workshop, order: Any, seconds: float) -> Process:
        started.append(real(self, order, seconds))
        return started[-1]

    monkeypatch.setattr(Workshop, "start", start_and_note)
    with pytest.raises(PiEdgeError, match="check"):
        start(bench, checked(tmp_path, check))
    assert [worker.line.fileno() for worker in started] == [-1]


def test_a_check_that_is_cut_short_is_held_against_no_file(bench: Bench, tmp_path: Path) -> None:
    own = Workshop()
    check = {"inputs": {"x": [1]}, "outputs": {"y": [1]}}
    entry = catalog.read(install("hangs", tmp_path, check=check))
    begun = threading.Event()
    real = Process.run

    def running(self: Process, *given: Any) -> Any:
        begun.set()
        return real(self, *given)

    def close() -> None:
        begun.wait(60)
        own.close()

    closing = threading.Thread(target=close, daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Process, "run", running)
        closing.start()
        with pytest.raises(Unavailable, match="its check was cut short"):
            start(replace(bench, workshop=own), entry)
    closing.join()
    assert not proving.known(bench, entry, entry.default)


def test_another_check_is_another_trial(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(PiEdgeError, match="check failed"):
        start(bench, checked(tmp_path, WRONG))
    start(bench, checked(tmp_path, RIGHT)).close()


def test_the_check_file_of_a_shipped_model_is_passed(bench: Bench, shipped_models: Path) -> None:
    entry = catalog.read(shipped_models / "mnist-mlp")
    check = json.loads((shipped_models / "mnist-mlp" / "model.json").read_text())["check"]
    assert check["file"] == "check.npz"
    for variant in entry.files:
        proving.start(bench, entry, variant)[0].close()


def test_a_lost_worker_is_replaced_only_by_the_same_file(bench: Bench, tmp_path: Path) -> None:
    entry = bare("double", tmp_path)
    worker, sha256 = proving.start(bench, entry, "default")
    worker.close()
    proving.restart(bench, entry, "default", sha256).close()
    drop_in("triple", tmp_path, rename="double")
    with pytest.raises(PiEdgeError, match="replaced meanwhile"):
        proving.restart(bench, entry, "default", sha256)


def test_a_file_can_be_tried_without_a_daemon(tmp_path: Path) -> None:
    proving.try_in_child(drop_in("double", tmp_path), 1, 60)
    with pytest.raises(PiEdgeError, match="complex64"):
        proving.try_in_child(drop_in("same-complex64", tmp_path), 1, 60)
