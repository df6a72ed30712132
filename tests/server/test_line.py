"""A line in which one works and some wait."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException

from pi_edge.errors import Unavailable
from pi_edge.server.line import FIRST_SECONDS, Line


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


class Worker:
    """A task that takes its turn and keeps it until it is let go."""

    def __init__(self, line: Line, name: str, done: list[str]) -> None:
        self._line, self._name, self._done = line, name, done
        self.let_go = asyncio.Event()
        self.task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        async with self._line.turn():
            await self.let_go.wait()
            self._done.append(self._name)


async def in_line(line: Line, names: str) -> tuple[list[Worker], list[str]]:
    done: list[str] = []
    workers = [Worker(line, name, done) for name in names]
    await settle()
    return workers, done


def test_first_come_first_served() -> None:
    async def scene() -> None:
        line = Line(2)
        workers, done = await in_line(line, "abc")
        assert (line.running, line.waiting) == (1, 2)
        for worker in reversed(workers):
            worker.let_go.set()
        await asyncio.gather(*(worker.task for worker in workers))
        assert done == ["a", "b", "c"]
        assert (line.running, line.waiting) == (0, 0)

    asyncio.run(scene())


def test_one_too_many_is_told_when_to_come_again() -> None:
    async def scene() -> None:
        line = Line(1)
        workers, _ = await in_line(line, "abc")
        with pytest.raises(HTTPException) as raised:
            await workers[2].task
        assert raised.value.status_code == 503
        told = int((raised.value.headers or {})["Retry-After"])
        assert FIRST_SECONDS < told <= 2 * FIRST_SECONDS  # one under way, one waiting
        workers[0].let_go.set()
        await settle()
        assert line.retry_seconds() == 1  # the first took next to nothing, nobody waits
        workers[1].let_go.set()
        await workers[1].task

    asyncio.run(scene())


@pytest.mark.parametrize("leaving", [0, 1])
def test_who_leaves_makes_room(leaving: int) -> None:
    async def scene() -> None:
        line = Line(2)
        workers, done = await in_line(line, "abc")
        workers[leaving].task.cancel()
        await settle()
        assert (line.running, line.waiting) == (1, 1)
        for worker in workers:
            worker.let_go.set()
        await asyncio.gather(*(worker.task for worker in workers), return_exceptions=True)
        assert done == [name for number, name in enumerate("abc") if number != leaving]
        assert line.running == 0

    asyncio.run(scene())


def test_who_leaves_in_the_instant_of_the_turn_passes_it_on() -> None:
    async def scene() -> None:
        line = Line(2)
        workers, done = await in_line(line, "abc")
        workers[0].task.cancel()
        await asyncio.sleep(0)  # the first has left: it is the second's turn, which knows not yet
        workers[1].task.cancel()
        workers[2].let_go.set()
        await asyncio.gather(*(worker.task for worker in workers), return_exceptions=True)
        assert done == ["c"]
        assert (line.running, line.waiting) == (0, 0)

    asyncio.run(scene())


def test_a_stop_sends_all_away_in_time() -> None:
    async def scene() -> None:
        line = Line(2)
        workers, done = await in_line(line, "abc")
        line.stop(0.0)
        for worker in workers:
            with pytest.raises(Unavailable, match="stopping"):
                await worker.task
        assert done == []
        with pytest.raises(Unavailable):
            async with line.turn():
                pass

    asyncio.run(scene())


def test_an_error_of_the_work_comes_through_and_frees_the_turn() -> None:
    async def scene() -> None:
        line = Line(0)
        for error in (TimeoutError, ValueError):
            with pytest.raises(error):
                async with line.turn():
                    raise error
        assert line.running == 0

    asyncio.run(scene())
