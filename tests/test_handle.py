"""One loaded variant and the requests to it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import select
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
import pytest
from loops import ONE, PATIENCE, FakeProcess, FakeServer, turning_loop

from pi_edge.errors import BadInput, Overloaded, PiEdgeError, Unavailable
from pi_edge.handle import Handle
from pi_edge.worker_line import FAILURES_IN_A_ROW, Limits
from pi_edge.workers.process import Ended


def on_loop(
    process: FakeProcess,
    test: Callable[[Handle], Awaitable[Any]],
    server: FakeServer | None = None,
    limits: Limits | None = None,
) -> Any:
    """Run ``test`` with a handle on ``process``, both on one event loop."""

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        handle = Handle(process, loop, "m", "v", server or FakeServer(), limits or Limits())
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            return await test(handle)

    return asyncio.run(run())


async def until(condition: Callable[[], Any]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_answers_the_event_loop_and_a_thread_alike() -> None:
    with turning_loop() as loop:
        handle = Handle(FakeProcess(), loop, "m", "v", FakeServer())
        assert handle.run(ONE)["y"] == [2]
        future = asyncio.run_coroutine_threadsafe(handle.infer(ONE), loop)
        assert future.result(PATIENCE)["y"] == [2]


def test_never_runs_twice_at_once_whoever_asks() -> None:
    process = FakeProcess()
    with turning_loop() as loop:
        handle = Handle(process, loop, "m", "v", FakeServer())
        threads = [threading.Thread(target=handle.run, args=(ONE,)) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert not process.overlapped
        assert handle.statistics().success == 100


def test_each_request_gets_the_answer_to_its_own_inputs() -> None:
    async def ask(handle: Handle) -> None:
        inputs = [{"x": np.full(1, n, np.float32)} for n in range(200)]
        answers = await asyncio.gather(*(handle.infer(each) for each in inputs))
        assert [float(answer["y"][0]) for answer in answers] == [n + 1 for n in range(200)]

    on_loop(FakeProcess(), ask)


def test_different_handles_run_side_by_side() -> None:
    together = threading.Barrier(2, timeout=PATIENCE)  # passes only with both inside at once
    other = FakeProcess(lambda inputs: together.wait())

    async def ask(handle: Handle) -> None:
        second = Handle(other, asyncio.get_running_loop(), "n", "v", FakeServer())
        await asyncio.gather(handle.infer(ONE), second.infer(ONE))

    on_loop(FakeProcess(lambda inputs: together.wait()), ask)
    assert not together.broken


def test_the_event_loop_turns_while_a_model_runs() -> None:
    release = threading.Event()

    async def ask(handle: Handle) -> None:
        inference = asyncio.create_task(handle.infer(ONE))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not inference.done()
        release.set()  # only a turning loop gets here
        assert (await inference)["y"] == [2]

    on_loop(FakeProcess(lambda inputs: release.wait(PATIENCE)), ask)


def test_an_answer_is_taken_as_the_next_request_comes_however_busy_the_event_loop_is() -> None:
    process = FakeProcess()

    async def ask(handle: Handle) -> None:
        line = handle._lines[0]
        answers = [line.submit(ONE, True)]
        for runs in range(1, 4):  # the loop does not turn meanwhile
            select.select([process.line], [], [], PATIENCE)
            answers.append(line.submit(ONE, True))
            assert handle.statistics().success == runs
        assert [(await answer)["y"] for answer in answers] == [[2]] * 4

    on_loop(process, ask)


@pytest.mark.parametrize(
    "inputs", [{}, {"z": ONE["x"]}, {"x": np.ones(1, np.int64)}, {"x": np.ones((1, 1), np.float32)}]
)
def test_inputs_that_do_not_fit_never_reach_the_worker(inputs: dict[str, np.ndarray]) -> None:
    process = FakeProcess()

    async def ask(handle: Handle) -> None:
        with pytest.raises(BadInput):
            await handle.infer(inputs)

    on_loop(process, ask)
    assert process.runs == 0


def test_a_request_whose_client_went_away_while_it_waited_is_not_run() -> None:
    release = threading.Event()
    process = FakeProcess(lambda inputs: release.wait(PATIENCE))

    async def ask(handle: Handle) -> None:
        first = asyncio.create_task(handle.infer(ONE))
        second = asyncio.create_task(handle.infer(ONE))
        third = asyncio.create_task(handle.infer(ONE))
        await until(lambda: handle.waiting == 2)
        second.cancel()
        release.set()
        await asyncio.gather(first, third)

    on_loop(process, ask)
    assert process.runs == 2


def test_beyond_the_queue_requests_are_refused_at_once() -> None:
    release = threading.Event()

    async def ask(handle: Handle) -> None:
        accepted = [asyncio.create_task(handle.infer(ONE)) for _ in range(7)]  # one runs, six wait
        await until(lambda: handle.waiting == 6)
        assert not handle.overloaded
        with pytest.raises(Overloaded) as refusal:
            await handle.infer(ONE)
        assert refusal.value.retry_after == 1
        assert handle.overloaded
        release.set()
        await asyncio.gather(*accepted)

    process = FakeProcess(lambda inputs: release.wait(PATIENCE))
    on_loop(process, ask, limits=Limits(waiting=6))


def test_a_wait_that_would_be_longer_than_its_limit_is_refused_at_once() -> None:
    pause = threading.Event()

    async def ask(handle: Handle) -> None:
        for _ in range(20):  # it learns how long an inference takes
            await handle.infer(ONE)
        waiting = [asyncio.create_task(handle.infer(ONE)) for _ in range(6)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await handle.infer(ONE)
        with contextlib.suppress(Overloaded):
            await asyncio.gather(*waiting)

    process = FakeProcess(lambda inputs: pause.wait(0.02))
    on_loop(process, ask, limits=Limits(patience=0.05))


def test_an_inference_beyond_its_deadline_costs_the_worker_and_another_takes_over() -> None:
    hang = threading.Event()
    hung, fresh = FakeProcess(lambda inputs: hang.wait(PATIENCE)), FakeProcess()

    async def ask(handle: Handle) -> None:
        first, second = (asyncio.create_task(handle.infer(ONE)) for _ in range(2))
        for lost in (first, second):
            with pytest.raises(Unavailable) as refusal:
                await lost
            assert refusal.value.retry_after == 1
        await until(lambda: not handle.lost)
        assert (await handle.infer(ONE))["y"] == [2]
        assert handle.statistics().lost == 1

    on_loop(hung, ask, FakeServer(fresh), Limits(deadline=0.05))
    assert hung.closed.is_set()
    hang.set()


def test_a_quick_inference_after_a_slow_one_has_a_deadline_of_its_own() -> None:
    pauses = iter([0.08, 0.08, 0.08, 0.08])
    wait = threading.Event()

    async def ask(handle: Handle) -> None:
        for _ in range(4):  # 0.32 s in all, with 0.2 s for each
            await handle.infer(ONE)
        assert handle.statistics().lost == 0

    on_loop(FakeProcess(lambda inputs: wait.wait(next(pauses))), ask, limits=Limits(deadline=0.2))


def test_requests_to_a_worker_that_dies_are_told_to_come_again_and_then_served() -> None:
    def die(inputs: Mapping[str, np.ndarray]) -> None:
        raise Ended("as if by SIGSEGV")

    async def ask(handle: Handle) -> None:
        with pytest.raises(Unavailable, match="come again"):
            await handle.infer(ONE)
        with pytest.raises(Unavailable, match="started again"):
            await handle.infer(ONE)
        await until(lambda: not handle.lost)
        assert (await handle.infer(ONE))["y"] == [2]

    on_loop(FakeProcess(die), ask, FakeServer(FakeProcess()))


def test_a_worker_that_dies_while_idle_is_replaced_before_anybody_asks() -> None:
    first = FakeProcess()

    async def ask(handle: Handle) -> None:
        first.die()
        await until(lambda: handle.statistics().lost == 1 and not handle.lost)
        assert (await handle.infer(ONE))["y"] == [2]

    on_loop(first, ask, FakeServer(FakeProcess()))


def test_a_worker_that_cannot_be_replaced_makes_the_variant_broken() -> None:
    server, first = FakeServer(), FakeProcess()

    async def ask(handle: Handle) -> None:
        first.die()
        await until(server.was_broken.is_set)

    on_loop(first, ask, server)
    assert server.reasons == ["was lost (SIGSEGV) and does not start again: its file is gone"]


def failing(fails_for: Callable[[Mapping[str, np.ndarray]], bool]) -> FakeProcess:
    def act(inputs: Mapping[str, np.ndarray]) -> None:
        if fails_for(inputs):
            raise PiEdgeError("node 3 failed")

    return FakeProcess(act)


async def fail(handle: Handle, times: int) -> None:
    for _ in range(times):
        with pytest.raises(PiEdgeError):
            await handle.infer(ONE)


def test_a_model_that_fails_again_and_again_is_broken_and_says_why() -> None:
    server = FakeServer()

    async def ask(handle: Handle) -> None:
        await fail(handle, FAILURES_IN_A_ROW - 1)
        assert not server.reasons
        await fail(handle, 1)
        await until(server.was_broken.is_set)

    on_loop(failing(lambda inputs: True), ask, server)
    assert server.reasons == [f"failed {FAILURES_IN_A_ROW} times in a row: node 3 failed"]


def test_inputs_a_model_cannot_digest_do_not_make_it_broken() -> None:
    server = FakeServer()

    async def ask(handle: Handle) -> None:
        await fail(handle, FAILURES_IN_A_ROW * 3)
        await handle.infer({"x": np.zeros(1, np.float32)})  # after whatever comes of the failures

    on_loop(failing(lambda inputs: bool(inputs["x"].any())), ask, server)
    assert not server.reasons


def test_inputs_the_worker_refuses_do_not_make_a_model_broken() -> None:
    server = FakeServer()

    def act(inputs: Mapping[str, np.ndarray]) -> None:
        raise BadInput("not like this")

    async def ask(handle: Handle) -> None:
        await fail(handle, FAILURES_IN_A_ROW * 3)

    on_loop(FakeProcess(act), ask, server)
    assert not server.reasons


def test_answers_and_failures_are_counted_and_probes_are_not() -> None:
    server, outcomes = FakeServer(), iter([None, None, PiEdgeError("node 3 failed")])

    def act(inputs: Mapping[str, np.ndarray]) -> None:
        if error := next(outcomes):
            raise error

    async def ask(handle: Handle) -> None:
        await handle.infer(ONE, counted=False)
        assert handle.statistics().success == 0
        await handle.infer(ONE)
        await fail(handle, 1)
        assert (handle.statistics().success, handle.statistics().fail) == (1, 1)

    on_loop(FakeProcess(act), ask, server)
    assert (server.succeeded, server.failed) == (1, 1)


def test_queue_and_compute_times_add_up() -> None:
    async def ask(handle: Handle) -> None:
        await asyncio.gather(*(handle.infer(ONE) for _ in range(5)))
        counts = handle.statistics()
        assert counts.success_ns == counts.queue_ns + counts.compute_ns
        assert counts.queue_ns > 0
        assert counts.compute_ns > 0

    on_loop(FakeProcess(), ask)


def test_how_long_it_has_been_busy_can_be_asked() -> None:
    release = threading.Event()

    async def ask(handle: Handle) -> None:
        assert handle.busy_seconds() == 0
        inference = asyncio.create_task(handle.infer(ONE))
        await until(lambda: handle.busy_seconds() > 0)
        release.set()
        await inference
        assert handle.busy_seconds() == 0

    on_loop(FakeProcess(lambda inputs: release.wait(PATIENCE)), ask)


def test_the_worker_ends_when_nobody_holds_the_handle() -> None:
    process = FakeProcess()
    with turning_loop() as loop:
        handle = Handle(process, loop, "m", "v", FakeServer())
        handle.run(ONE)
        assert not process.closed.is_set()
        del handle
        gc.collect()
        assert process.closed.wait(PATIENCE)


async def with_two(server: FakeServer, first: FakeProcess) -> Handle:
    """A handle with two workers, both at work."""
    handle = Handle(first, asyncio.get_running_loop(), "m", "v", server, Limits(workers=2))
    await until(lambda: len(handle.pids) == 2)
    return handle


def test_two_workers_of_one_variant_run_side_by_side() -> None:
    together = threading.Barrier(2, timeout=PATIENCE)  # passes only with both inside at once
    processes = [FakeProcess(lambda inputs: together.wait()) for _ in range(2)]

    async def ask() -> None:
        handle = await with_two(FakeServer(processes[1]), processes[0])
        await asyncio.gather(handle.infer(ONE), handle.infer(ONE))
        assert handle.statistics().success == 2

    asyncio.run(ask())
    assert not together.broken


def test_requests_are_spread_over_the_workers() -> None:
    release = threading.Event()
    processes = [FakeProcess(lambda inputs: release.wait(PATIENCE)) for _ in range(2)]

    async def ask() -> None:
        handle = await with_two(FakeServer(processes[1]), processes[0])
        requests = [asyncio.create_task(handle.infer(ONE)) for _ in range(6)]
        await until(lambda: handle.waiting == 4)
        release.set()
        await asyncio.gather(*requests)

    asyncio.run(ask())
    assert [process.runs for process in processes] == [3, 3]


def test_while_one_worker_is_lost_the_other_answers() -> None:
    dying, living = FakeProcess(), FakeProcess()

    async def ask() -> None:
        server = FakeServer(living)
        handle = await with_two(server, dying)
        dying.die()
        await until(lambda: len(handle.pids) == 1)
        assert [(await handle.infer(ONE))["y"] for _ in range(5)] == [[2]] * 5
        assert (handle.lost, handle.statistics().lost) == (False, 1)

    asyncio.run(ask())
    assert living.runs == 5


def test_a_second_worker_that_cannot_be_started_is_no_reason_not_to_serve(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = FakeServer()

    async def ask(handle: Handle) -> None:
        await until(lambda: "another worker cannot be started: its file is gone" in caplog.text)
        assert (await handle.infer(ONE))["y"] == [2]

    on_loop(FakeProcess(), ask, server, Limits(workers=2))
    assert server.reasons == []


def test_all_workers_end_when_nobody_holds_the_handle() -> None:
    processes = [FakeProcess(), FakeProcess()]

    async def ask() -> None:
        handle = await with_two(FakeServer(processes[1]), processes[0])
        del handle
        gc.collect()
        await until(lambda: all(process.closed.is_set() for process in processes))

    asyncio.run(ask())


def test_a_request_under_way_keeps_the_worker_until_it_is_answered() -> None:
    entered, release = threading.Event(), threading.Event()

    def act(inputs: Mapping[str, np.ndarray]) -> None:
        entered.set()
        release.wait(PATIENCE)

    process = FakeProcess(act)
    with turning_loop() as loop:
        handle = Handle(process, loop, "m", "v", FakeServer())
        future = asyncio.run_coroutine_threadsafe(handle.infer(ONE), loop)
        assert entered.wait(PATIENCE)
        del handle
        gc.collect()
        assert not process.closed.is_set()
        release.set()
        assert future.result(PATIENCE)["y"] == [2]
        del future
        gc.collect()
        assert process.closed.wait(PATIENCE)


def test_requests_that_come_before_the_handle_is_wired_up_are_run_one_by_one() -> None:
    process = FakeProcess()

    async def run() -> list[float]:
        handle = Handle(process, asyncio.get_running_loop(), "m", "v", FakeServer())
        inputs = [{"x": np.full(1, n, np.float32)} for n in range(5)]
        answers = await asyncio.gather(*(handle.infer(each) for each in inputs))
        return [float(answer["y"][0]) for answer in answers]

    assert asyncio.run(run()) == [1, 2, 3, 4, 5]
    assert not process.overlapped
