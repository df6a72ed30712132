"""Requests that wait for each other are computed together, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from loops import PATIENCE, FakeProcess, FakeServer

from pi_edge.batching import Job, take
from pi_edge.errors import BadInput, Overloaded, PiEdgeError
from pi_edge.handle import Handle


def row(value: float) -> dict[str, np.ndarray]:
    return {"x": np.full(1, value, np.float32)}


class Counted:
    """What a worker was given: rows of each inference. The first one waits until told to go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.rows: list[int] = []

    def __call__(self, inputs: Mapping[str, np.ndarray]) -> None:
        self.rows.append(len(inputs["x"]))
        if len(self.rows) == 1:
            self.go.wait(PATIENCE)


def asked(process: FakeProcess, counted: Counted, inputs: list[dict[str, np.ndarray]]) -> list[Any]:
    """What each of the requests was answered; all came while the first was being computed."""

    async def ask() -> list[Any]:
        handle = Handle(process, asyncio.get_running_loop(), "m", "v", FakeServer())
        await asyncio.sleep(0)
        requests = [asyncio.create_task(handle.infer(each)) for each in inputs]
        await asyncio.sleep(0)
        counted.go.set()
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*requests, return_exceptions=True)
        assert handle.statistics().success + handle.statistics().fail == len(inputs)
        return answers

    return asyncio.run(ask())


def outputs(answers: list[Any]) -> list[list[float]]:
    return [answer["y"].tolist() for answer in answers]


def test_each_gets_its_own_rows() -> None:
    counted = Counted()
    inputs = [row(0), row(1), {"x": np.array([2, 3], np.float32)}, row(4)]
    answers = asked(FakeProcess(counted, batch=8), counted, inputs)
    assert outputs(answers) == [[1], [2], [3, 4], [5]]
    assert counted.rows == [1, 4]


def test_no_more_rows_are_taken_than_are_good_for_the_model() -> None:
    counted = Counted()
    asked(FakeProcess(counted, batch=4), counted, [row(i) for i in range(8)])
    assert counted.rows == [1, 4, 3]


def test_one_request_with_more_rows_is_computed_all_the_same() -> None:
    counted = Counted()
    many = {"x": np.zeros(9, np.float32)}
    asked(FakeProcess(counted, batch=4), counted, [row(0), row(1), many, row(2)])
    assert counted.rows == [1, 1, 9, 1]


def test_nothing_is_computed_together_unless_that_was_found_good() -> None:
    counted = Counted()
    asked(FakeProcess(counted), counted, [row(i) for i in range(4)])
    assert counted.rows == [1, 1, 1, 1]


def test_a_request_that_the_model_refuses_costs_the_others_nothing() -> None:
    counted = Counted()

    def act(inputs: Mapping[str, np.ndarray]) -> None:
        counted(inputs)
        if (inputs["x"] == 2).any():
            raise BadInput("it cannot digest 2")

    answers = asked(FakeProcess(act, batch=8), counted, [row(i) for i in range(5)])
    assert isinstance(answers.pop(2), BadInput)
    assert outputs(answers) == [[1], [2], [4], [5]]
    assert counted.rows == [1, 4, 1, 1, 1, 1]


def test_answers_without_a_row_for_each_are_asked_for_one_by_one() -> None:
    counted = Counted()

    class OneRow(FakeProcess):
        def receive(self) -> dict[str, np.ndarray]:
            return {name: output[:1] for name, output in super().receive().items()}

    answers = asked(OneRow(counted, batch=8), counted, [row(i) for i in range(3)])
    assert outputs(answers) == [[1], [2], [3]]
    assert counted.rows == [1, 2, 1, 1]


def test_all_that_were_computed_together_hear_that_the_worker_died() -> None:
    counted = Counted()

    class Dying(FakeProcess):
        def send(self, inputs: Mapping[str, np.ndarray]) -> None:
            if len(inputs["x"]) > 1:
                self.die()
            super().send(inputs)

    answers = asked(Dying(counted, batch=8), counted, [row(i) for i in range(4)])
    assert outputs(answers[:1]) == [[1]]
    for answer in answers[1:]:
        assert isinstance(answer, PiEdgeError)
        assert not isinstance(answer, Overloaded)


def test_a_client_that_went_away_is_not_among_them() -> None:
    counted = Counted()
    process = FakeProcess(counted, batch=8)

    async def ask() -> None:
        handle = Handle(process, asyncio.get_running_loop(), "m", "v", FakeServer())
        await asyncio.sleep(0)
        requests = [asyncio.create_task(handle.infer(row(i))) for i in range(4)]
        await asyncio.sleep(0)
        requests[2].cancel()
        await asyncio.sleep(0)
        counted.go.set()
        await asyncio.gather(*requests, return_exceptions=True)

    asyncio.run(ask())
    assert counted.rows == [1, 2]


@pytest.mark.parametrize("other", [np.zeros(1, np.float64), np.zeros((1, 1), np.float32)])
def test_only_what_differs_in_rows_alone_is_joined(other: np.ndarray) -> None:
    async def taken() -> int:
        loop = asyncio.get_running_loop()
        jobs = deque(Job({"x": x}, 0, True, loop.create_future()) for x in (row(0)["x"], other))
        return len(take(jobs, 8))

    assert asyncio.run(taken()) == 1
