"""Workers, really forked, and what becomes of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from running import DATA, wait_until

from pi_edge.errors import BadInput, PiEdgeError, Unavailable
from pi_edge.model import trivial_inputs
from pi_edge.workers import process as module
from pi_edge.workers.process import Ended, Process, Workshop
from pi_edge.workers.worker import Order

LONG = 60.0


@pytest.fixture
def own_shop() -> Iterator[Workshop]:
    workshop = Workshop()
    yield workshop
    workshop.close()


def start(workshop: Workshop, name: str, seconds: float = LONG, **order: object) -> Process:
    return workshop.start(Order(str(DATA / f"{name}.tflite"), **order), seconds)  # type: ignore[arg-type]


def exists(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def row(*numbers: float) -> dict[str, np.ndarray]:
    return {"x": np.array([numbers], np.float32)}


def test_a_worker_answers(shop: Workshop) -> None:
    worker = start(shop, "double")
    assert worker.run(row(1, 2, 3), LONG)["y"].tolist() == [[2, 4, 6]]
    worker.close()


def test_what_was_given_is_not_changed_by_the_next_answer(shop: Workshop) -> None:
    worker = start(shop, "double")
    first = worker.run(row(1, 2, 3), LONG)["y"]
    worker.run(row(7, 8, 9), LONG)
    assert first.tolist() == [[2, 4, 6]]
    worker.close()


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("counter", {"x": np.float32(2)}, {"sum": 2}),
        ("constant", {}, {"y": [1, 2]}),
        ("scalar", {"x": np.float32(2)}, {"y": 3}),
        ("empty", {"x": np.zeros((0, 3), np.float32)}, {"y": []}),
        ("several", {"x": np.ones((1, 3), np.float32)}, {"y": [[2, 2, 2]]}),
        ("same-string", {"x": np.array([[b"a", b""], [b"\0", b"zz"]], object)}, None),
        ("same-float16", {"x": np.ones((2, 2), np.float16)}, None),
        ("same-bool", {"x": np.array([[True, False], [False, True]])}, None),
        ("same-int4", {"x": np.array([[1, -8], [7, 0]], np.int8)}, None),
        ("same-uint8", {"x": np.array([[0, 1], [2, 255]], np.uint8)}, None),
    ],
)
def test_anything_that_is_a_model_runs(
    shop: Workshop, name: str, inputs: dict[str, np.ndarray], outputs: dict[str, object] | None
) -> None:
    worker = start(shop, name)
    inputs = {key: np.asarray(value) for key, value in inputs.items()}
    given = worker.run(inputs, LONG)
    expected = outputs or {"y": inputs["x"].tolist()}
    assert {key: value.tolist() for key, value in given.items()} == expected
    worker.close()


def test_variables_inside_a_model_live_as_long_as_its_worker(shop: Workshop) -> None:
    worker = start(shop, "counter")
    sums = [float(worker.run({"x": np.array(2, np.float32)}, LONG)["sum"]) for _ in range(3)]
    assert sums == [2, 4, 6]
    worker.close()


def test_operations_that_no_runtime_brings_are_refused_by_name(shop: Workshop) -> None:
    with pytest.raises(PiEdgeError, match="custom op: Digamma"):
        start(shop, "custom")


def test_inputs_of_another_size_than_before_are_taken(shop: Workshop) -> None:
    worker = start(shop, "double")
    for rows in (1, 5000, 2):
        y = worker.run({"x": np.ones((rows, 3), np.float32)}, LONG)["y"]
        assert (y.shape, y.sum()) == ((rows, 3), rows * 6)
    worker.close()


def test_a_model_that_fails_says_so_and_serves_the_next(shop: Workshop) -> None:
    worker = start(shop, "power")
    with pytest.raises(BadInput):
        worker.run({"x": np.ones((2, 3), np.float32)}, LONG)  # no square matrix
    assert worker.run({"x": np.eye(2, dtype=np.float32)}, LONG)["y"].shape == (2, 2)
    worker.close()


def test_a_model_that_never_returns_is_refused_and_its_worker_ended(own_shop: Workshop) -> None:
    with pytest.raises(PiEdgeError, match=r"endless\.tflite did not finish .* within 0\.5 s"):
        start(own_shop, "endless", 0.5)
    children = Path(f"/proc/{own_shop.pid}/task/{own_shop.pid}/children")
    wait_until(lambda: not children.read_text().split())


def test_a_closed_workshop_ends_what_is_being_started_and_starts_nothing(
    own_shop: Workshop,
) -> None:
    raised: list[BaseException] = []

    def try_endless() -> None:
        try:
            start(own_shop, "endless")
        except BaseException as error:
            raised.append(error)

    trying = threading.Thread(target=try_endless)
    trying.start()
    wait_until(lambda: own_shop.pid)
    children = Path(f"/proc/{own_shop.pid}/task/{own_shop.pid}/children")
    wait_until(lambda: children.read_text().split())
    own_shop.close()
    trying.join()
    assert [type(error) for error in raised] == [Unavailable]
    assert own_shop.pid == 0


def test_a_model_that_takes_down_its_process_is_refused_by_the_signal(own_shop: Workshop) -> None:
    def abort() -> None:
        children = Path(f"/proc/{own_shop.pid}/task/{own_shop.pid}/children")
        wait_until(lambda: own_shop.pid and children.read_text().split())
        time.sleep(0.3)  # past its own start, into the model
        os.kill(int(children.read_text().split()[0]), signal.SIGABRT)

    start(own_shop, "double").close()
    children = Path(f"/proc/{own_shop.pid}/task/{own_shop.pid}/children")
    wait_until(lambda: not children.read_text().split())
    killer = threading.Thread(target=abort)
    killer.start()
    with pytest.raises(PiEdgeError, match=r"takes down the process that runs it \(SIGABRT"):
        start(own_shop, "endless")
    killer.join(LONG)


def test_a_worker_that_hangs_can_be_given_up(shop: Workshop) -> None:
    worker = start(shop, "hangs")
    with pytest.raises(TimeoutError):
        worker.run({"x": np.ones(1, np.float32)}, 0.2)
    pid = worker.pid
    worker.close()
    wait_until(lambda: not exists(pid))


def test_a_worker_that_was_killed_is_noticed_with_the_cause(shop: Workshop) -> None:
    worker = start(shop, "double")
    os.kill(worker.pid, signal.SIGSEGV)
    with pytest.raises(Ended):
        worker.run(row(1, 2, 3), LONG)
    assert worker.cause() == "SIGSEGV"
    worker.close()


def test_the_process_that_forks_is_started_again_when_it_was_killed(own_shop: Workshop) -> None:
    first = start(own_shop, "double")
    os.kill(own_shop.pid, signal.SIGKILL)
    second = start(own_shop, "double")
    assert second.run(row(1, 2, 3), LONG)["y"].tolist() == [[2, 4, 6]]
    with pytest.raises(Ended):
        first.run(row(1, 2, 3), LONG)
    assert first.cause() == ""  # it is not the model's fault
    first.close()


def test_the_process_that_forks_is_started_again_when_it_was_stopped(
    own_shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(own_shop, "double").close()
    os.kill(own_shop.pid, signal.SIGSTOP)
    monkeypatch.setattr(module, "_FORK_SECONDS", 2.0)
    worker = start(own_shop, "double")
    assert worker.run(row(1, 2, 3), LONG)["y"].tolist() == [[2, 4, 6]]


def test_even_a_hung_worker_ends_with_the_daemon(own_shop: Workshop) -> None:
    worker = start(own_shop, "hangs")
    worker.send({"x": np.ones(1, np.float32)})
    pid = worker.pid
    own_shop.close()
    wait_until(lambda: not exists(pid))


def test_a_model_gets_no_more_memory_than_it_may_have(shop: Workshop) -> None:
    worker = start(shop, "double", memory=400_000_000)
    with pytest.raises(PiEdgeError):
        worker.run({"x": np.ones((40_000_000, 3), np.float32)}, LONG)  # 480 MB in, 480 MB out
    worker.close()


def test_descriptors_are_given_back(own_shop: Workshop) -> None:
    start(own_shop, "double").close()

    def count(pid: int) -> int:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))

    children = Path(f"/proc/{own_shop.pid}/task/{own_shop.pid}/children")
    wait_until(lambda: not children.read_text().split())
    here, there = count(os.getpid()), count(own_shop.pid)
    for name in ("double", "custom", "double", "constant"):
        try:
            worker = start(own_shop, name)
            worker.run(trivial_inputs(worker.inputs), LONG)
            worker.close()
        except PiEdgeError:
            assert name == "custom"
    wait_until(lambda: not children.read_text().split())
    wait_until(lambda: count(own_shop.pid) <= there)
    assert count(os.getpid()) <= here


def test_a_path_that_is_no_text_is_served(shop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff\xfe.tflite")
    file.write_bytes((DATA / "double.tflite").read_bytes())
    worker = shop.start(Order(str(file), "model odd"), LONG)
    assert worker.run(row(1, 2, 3), LONG)["y"].tolist() == [[2, 4, 6]]
    worker.close()


def test_a_worker_says_in_the_process_list_whose_it_is(shop: Workshop) -> None:
    worker = start(shop, "double", title="model double")
    assert Path(f"/proc/{worker.pid}/comm").read_text().strip() == "model double"
    worker.close()
