"""One loaded variant and its thread."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from pi_edge.errors import BadInput, PiEdgeError
from pi_edge.handle import FAILURES_IN_A_ROW, Handle
from pi_edge.model import TensorSpec

SPEC = TensorSpec("x", np.dtype(np.float32), (-1,), 0)
ONE = {"x": np.ones(1, np.float32)}
PATIENCE = 60.0


class FakeModel:
    """Calls ``act`` for every run, and notes when two run at once."""

    inputs = outputs = (SPEC,)

    def __init__(self, act: Callable[[Mapping[str, np.ndarray]], None] = lambda inputs: None):
        self.act = act
        self.inside = 0
        self.overlapped = False
        self.threads: set[int] = set()

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.threads.add(threading.get_ident())
        self.inside += 1
        self.overlapped |= self.inside > 1
        try:
            self.act(inputs)
            return {"y": inputs["x"] + 1}
        finally:
            self.inside -= 1


def test_answers_an_event_loop_and_a_thread_alike() -> None:
    handle = Handle(FakeModel(), "m", "v")
    assert handle.run(ONE)["y"] == [2]
    assert asyncio.run(handle.infer(ONE))["y"] == [2]


def test_never_runs_twice_at_once_whoever_asks() -> None:
    pause = threading.Event()
    model = FakeModel(lambda inputs: pause.wait(0.001) and None)
    handle = Handle(model, "m", "v")

    async def ask() -> None:
        await asyncio.gather(*(handle.infer(ONE) for _ in range(100)))

    threads = [threading.Thread(target=handle.run, args=(ONE,)) for _ in range(20)]
    threads += [threading.Thread(target=lambda: asyncio.run(ask())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not model.overlapped
    assert len(model.threads) == 1
    assert handle.statistics().success == 220


def test_different_handles_run_side_by_side() -> None:
    together = threading.Barrier(2, timeout=PATIENCE)  # passes only with both inside at once
    handles = [Handle(FakeModel(lambda inputs: together.wait() and None), n, "v") for n in "ab"]

    async def ask() -> None:
        await asyncio.gather(*(handle.infer(ONE) for handle in handles))

    asyncio.run(ask())
    assert not together.broken


def test_the_event_loop_turns_while_a_model_runs() -> None:
    release = threading.Event()
    handle = Handle(FakeModel(lambda inputs: release.wait(PATIENCE) and None), "m", "v")

    async def ask() -> dict[str, np.ndarray]:
        inference = asyncio.create_task(handle.infer(ONE))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not inference.done()
        release.set()  # only a turning loop gets here
        return await inference

    assert asyncio.run(ask())["y"] == [2]


def test_an_unexpected_exception_becomes_an_error_and_the_next_run_works() -> None:
    outcomes = [ZeroDivisionError("boom"), None]

    def act(inputs: Mapping[str, np.ndarray]) -> None:
        if error := outcomes.pop(0):
            raise error

    handle = Handle(FakeModel(act), "m", "v")
    with pytest.raises(PiEdgeError, match=r"m/v failed to run.*boom"):
        handle.run(ONE)
    assert handle.run(ONE)["y"] == [2]
    assert (handle.statistics().fail, handle.statistics().success) == (1, 1)


def broken_model(broken_for: Callable[[Mapping[str, np.ndarray]], bool]) -> FakeModel:
    def act(inputs: Mapping[str, np.ndarray]) -> None:
        if broken_for(inputs):
            raise PiEdgeError("node 3 failed")

    return FakeModel(act)


def fail(handle: Handle, times: int) -> None:
    for _ in range(times):
        with pytest.raises(PiEdgeError):
            handle.run(ONE)


def finish(handle: Handle) -> None:
    """Let whatever comes after the last run happen: jobs are done in order."""
    with pytest.raises(PiEdgeError):
        handle.run(ONE)


def test_a_model_that_fails_again_and_again_is_reported_once_with_the_reason() -> None:
    reasons: list[str] = []
    handle = Handle(broken_model(lambda inputs: True), "m", "v", on_broken=reasons.append)
    fail(handle, FAILURES_IN_A_ROW - 1)
    finish(handle)
    finish(handle)
    assert reasons == [f"failed {FAILURES_IN_A_ROW} times in a row: node 3 failed"]
    fail(handle, FAILURES_IN_A_ROW * 2)
    finish(handle)
    assert len(reasons) == 1


def test_inputs_a_model_cannot_digest_do_not_make_it_broken() -> None:
    reasons: list[str] = []
    model = broken_model(lambda inputs: bool(inputs["x"].any()))  # zeros work
    handle = Handle(model, "m", "v", on_broken=reasons.append)
    fail(handle, FAILURES_IN_A_ROW * 3)
    finish(handle)
    assert reasons == []


def test_refused_inputs_do_not_make_a_model_broken() -> None:
    reasons: list[str] = []

    def act(inputs: Mapping[str, np.ndarray]) -> None:
        raise BadInput("not like this")

    handle = Handle(FakeModel(act), "m", "v", on_broken=reasons.append)
    fail(handle, FAILURES_IN_A_ROW * 3)
    finish(handle)
    assert reasons == []


def test_inferences_are_announced_and_probes_are_not() -> None:
    announced: list[None] = []
    handle = Handle(FakeModel(), "m", "v", on_inference=lambda: announced.append(None))
    asyncio.run(handle.infer(ONE, counted=False))
    assert handle.statistics().success == 0
    handle.run(ONE)
    handle.run(ONE)  # the first has been announced when the second is done
    assert 1 <= len(announced) <= 2
    assert handle.statistics().success == 2


def test_queue_and_compute_times_add_up() -> None:
    handle = Handle(FakeModel(), "m", "v")
    for _ in range(5):
        handle.run(ONE)
    counts = handle.statistics()
    assert counts.success_ns == counts.queue_ns + counts.compute_ns
    assert counts.compute_ns > 0


def test_how_long_it_has_been_busy_can_be_asked() -> None:
    entered, release = threading.Event(), threading.Event()

    def act(inputs: Mapping[str, np.ndarray]) -> None:
        entered.set()
        release.wait(PATIENCE)

    handle = Handle(FakeModel(act), "m", "v")
    assert handle.busy_seconds() == 0
    thread = threading.Thread(target=handle.run, args=(ONE,))
    thread.start()
    entered.wait(PATIENCE)
    assert handle.busy_seconds() > 0
    release.set()
    thread.join(PATIENCE)


def test_thread_and_model_go_when_nobody_holds_the_handle() -> None:
    model = FakeModel()
    gone = weakref.ref(model)
    before = set(threading.enumerate())
    handle = Handle(model, "m", "v")
    handle.run(ONE)
    (thread,) = set(threading.enumerate()) - before
    del handle, model
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    gc.collect()
    assert gone() is None
