"""Work on what clients sent, a little at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from pi_edge.errors import Overloaded

T = TypeVar("T")

# Pictures unpacked at the same time; each may take a hundred megabytes for a moment.
_PICTURES = 2
# Bodies that may wait to be unpacked; each is in memory.
_WAITING = 64


class Turns:
    """All routes that look at pictures share one of these."""

    def __init__(self) -> None:
        self._waiting = 0
        self._threads = ThreadPoolExecutor(_PICTURES, thread_name_prefix="tasks")

    async def take(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, called on a thread when its turn has come.

        Raises:
            Overloaded: too many wait already.
        """
        if self._waiting >= _WAITING:
            raise Overloaded(f"{_WAITING} requests wait for their turn: come again", retry_after=1)
        self._waiting += 1
        try:
            # In this context, so that what is logged there is known to be about this request.
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, copy_context().run, work
            )
        finally:
            self._waiting -= 1
