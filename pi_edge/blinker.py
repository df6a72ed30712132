"""What the status light does over time.

    starting    even blink, 2 Hz
    failed      nothing serves: even blink, 8 Hz
    degraded    one model is out, others serve: 0.9 s on, 0.1 s off
    learning    0.5 s dark every 3 s
    ready       steady on, 30 ms dark per inference, at most 5 a second
    stopped     off

Of several states the upper one shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

# state -> what repeats, as (lit, seconds); the order of the states is their precedence
PATTERNS: dict[str, tuple[tuple[bool, float], ...]] = {
    "starting": ((True, 0.25), (False, 0.25)),
    "failed": ((True, 0.0625), (False, 0.0625)),
    "degraded": ((True, 0.9), (False, 0.1)),
    "learning": ((True, 2.5), (False, 0.5)),
    "ready": ((True, inf),),
    "stopped": ((False, inf),),
}
WINK = 0.03  # seconds dark
WINK_SPACING = 0.2  # seconds from one wink's start to the next one's


def uppermost(states: Sequence[str]) -> str:
    """Of the states that hold, the one that shows."""
    return min(states, key=list(PATTERNS).index)


class Blinker:
    """What the light does over time. No pin, no thread, no clock: times (in seconds) come in."""

    def __init__(self) -> None:
        self.state = "stopped"
        self.winks = 0
        self._due = False
        self._part = 0
        self._until = inf
        self._wink_began = -inf

    def show(self, state: str, now: float) -> None:
        """From ``now`` on show ``state``; the state already shown goes on undisturbed."""
        if state == self.state:
            return
        self._part = 0
        self._until = now + PATTERNS[state][0][1]
        self._due = False
        self.state = state

    def wink(self) -> bool:
        """Ask for a wink. True where this changes what ``step`` will answer.

        Those asked for while one is due are one with it, so that thousands a second cost nothing.
        """
        if self._due or self.state != "ready":
            return False
        self._due = True
        return True

    def step(self, now: float) -> tuple[bool, float]:
        """Lit or dark at ``now``, and the time until which that holds if nobody asks for more."""
        if self.state == "ready":
            return self._step_ready(now)
        pattern = PATTERNS[self.state]
        while now >= self._until:
            self._part = (self._part + 1) % len(pattern)
            self._until += pattern[self._part][1]
        return pattern[self._part][0], self._until

    def _step_ready(self, now: float) -> tuple[bool, float]:
        if self._due and now >= self._wink_began + WINK_SPACING:
            self._due = False
            self._wink_began = now
            self.winks += 1
        if now < self._wink_began + WINK:
            return False, self._wink_began + WINK
        return True, self._wink_began + WINK_SPACING if self._due else inf
