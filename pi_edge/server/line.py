"""A line of requests that are worked on one at a time, all on one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException

from pi_edge.errors import Unavailable

# Guessed while nothing has been finished yet.
FIRST_SECONDS = 10.0


class Line:
    """One has the turn; up to ``places`` others wait for it, first come first served; any more
    are told when to come again."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False
        self._turn: asyncio.Timeout | None = None
        self._since = 0.0
        self._recent: deque[float] = deque(maxlen=8)
        self._stopping = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """1 while one has the turn."""
        return int(self._taken)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the turn and have it. Whoever is cancelled gives up the place or the turn.

        Raises:
            HTTPException: 503 with Retry-After: too many wait.
            Unavailable: the line was stopped, and time is up.
        """
        await self._enter()
        self._since = time.monotonic()
        try:
            if self._stopping:
                raise _stopping()
            async with asyncio.timeout(None) as turn:
                self._turn = turn
                yield
            self._recent.append(time.monotonic() - self._since)
        except TimeoutError:
            if self._turn and self._turn.expired():
                raise _stopping() from None
            raise
        finally:
            self._turn = None
            self._pass_on()

    def stop(self, seconds: float) -> None:
        """Send all who wait away; whoever has the turn gets so many seconds to finish."""
        self._stopping = True
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(_stopping())
        if self._turn:
            self._turn.reschedule(asyncio.get_running_loop().time() + seconds)

    def retry_seconds(self) -> int:
        """When all who are in line now should be done, by what recent ones took."""
        usual = sum(self._recent) / len(self._recent) if self._recent else FIRST_SECONDS
        left = max(usual - (time.monotonic() - self._since), 0.0)
        return max(1, math.ceil(left + usual * len(self._waiting)))

    async def _enter(self) -> None:
        if self._stopping:
            raise _stopping()
        if not self._taken:
            self._taken = True
            return
        if len(self._waiting) >= self.places:
            raise HTTPException(
                503,
                f"{len(self._waiting) + 1} pictures are in line already: come again later"
                " (setting style_queue)",
                {"Retry-After": str(self.retry_seconds())},
            )
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine in self._waiting:
                self._waiting.remove(mine)
            elif mine.done() and not mine.cancelled() and not mine.exception():
                self._pass_on()  # it was this one's turn in the same instant
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done():
                following.set_result(None)
                return
        self._taken = False


def _stopping() -> Unavailable:
    return Unavailable("pi-edge is stopping: send the picture again when it runs")
