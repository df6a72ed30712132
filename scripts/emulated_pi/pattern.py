"""What a light has been doing, in words: from the moments at which it changed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import isclose
from statistics import median

from pi_edge.blinker import PATTERNS

# The longest of pi-edge's patterns repeats after 3 s: two of it are seen at once.
_WINDOW = 6.5
# A board that computes elsewhere lets its light wait: half as long again is still the same.
_TOLERANCE = 1.5
# Between a wink and degraded's 0.1 s. An even blink may be as fast; winks are shorter than what is
# between them, at five a second by far.
_LONGEST_WINK = 0.065
_BETWEEN_WINKS = 2.0


@dataclass(frozen=True)
class Change:
    """The light went on, or off.

    Attributes:
        at: seconds; from which moment is the observer's affair.
        lit: on from then on.
    """

    at: float
    lit: bool


@dataclass(frozen=True)
class Rhythm:
    """What repeats, as medians of what was seen.

    Attributes:
        lit: seconds on at a time.
        dark: seconds off at a time.
    """

    lit: float
    dark: float

    @property
    def words(self) -> str:
        if isclose(self.lit, self.dark, rel_tol=0.25):
            return f"{1 / (self.lit + self.dark):.1f} Hz, even"
        return f"{self.lit:.1f} s on, {self.dark:.1f} s off"

    @property
    def state(self) -> str:
        """The state of pi-edge that looks like this; "" for none."""
        for state, parts in PATTERNS.items():
            if len(parts) == 2:
                (_, lit), (_, dark) = parts
                if _alike(self.lit, lit) and _alike(self.dark, dark):
                    return state
        return ""


def _alike(seen: float, meant: float) -> bool:
    return meant / _TOLERANCE <= seen <= meant * _TOLERANCE


class Watched:
    """What was seen of a light so far.

    Args:
        lit: at the start.
        at: the start, in seconds.
    """

    def __init__(self, lit: bool, at: float) -> None:
        self.lit = lit
        self._since = at
        self._phases: deque[tuple[float, bool, float]] = deque(maxlen=256)  # end, lit, seconds
        self._began_inside = True  # the first phase began before it was watched

    def see(self, lit: bool, at: float) -> Change | None:
        """The light is ``lit`` at ``at``; the change, if that is one."""
        if lit == self.lit:
            return None
        if not self._began_inside:
            self._phases.append((at, self.lit, at - self._since))
        self._began_inside = False
        self.lit, self._since = lit, at
        return Change(at, lit)

    def phases(self, lit: bool, now: float) -> list[float]:
        """How long it was on, or off, each time lately, in seconds; whole times only."""
        return [seconds for end, was, seconds in self._phases if was == lit and end > now - _WINDOW]

    def rhythm(self, now: float) -> Rhythm | None:
        """What repeats now; None where nothing does."""
        lits, darks = self.phases(True, now), self.phases(False, now)
        if len(lits) < 2 or len(darks) < 2:
            return None
        found = Rhythm(median(lits), median(darks))
        same = found.lit if self.lit else found.dark
        return None if now - self._since > 2 * same + 0.5 else found

    def words(self, now: float) -> str:
        """What the light does, and which state of pi-edge that is."""
        darks = self.phases(False, now)
        winks = bool(darks) and median(darks) <= _LONGEST_WINK and not self._fast(now)
        if winks and (self.lit or now - self._since <= 1):
            return f"on, winks of {1000 * median(darks):.0f} ms: ready, answering"
        if found := self.rhythm(now):
            return f"{found.words}: {found.state}" if found.state else found.words
        if now - self._since < 1.5:
            return "on" if self.lit else "off"
        return "steady on: ready" if self.lit else "off"

    def _fast(self, now: float) -> bool:
        """Whether it is on about as shortly as it is off, which no winking light is."""
        lits, darks = self.phases(True, now), self.phases(False, now)
        return len(lits) >= 2 and median(lits) < _BETWEEN_WINKS * median(darks)
