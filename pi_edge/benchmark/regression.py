"""Whether a release became worse than the one before it, beyond what chance and noise explain.

Every figure is compared with the release before it: all measurements of the latest earlier version
of pi-edge or, where there is none, the earlier ones of the same version. It is a regression when

- it worked there and does not now;
- every round took longer than every round there, and the medians are more than SLOWER apart, with
  at least ROUNDS rounds on either side (with five of each, chance alone orders them so once in 252
  times). ``pi-edge bench`` makes one round a report, ``scripts/bench-over-ssh`` several;
- peak memory is more than MEMORY beyond the largest there, and more than MEMORY_BYTES;
- accuracy on the same images is below the smallest there: of the same file it does not change by
  itself.

Rounds in which the machine was throttled do not count, nor do an emulator's times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from pi_edge.benchmark.history import Point

ROUNDS = 5
SLOWER = 0.10
MEMORY = 0.05
MEMORY_BYTES = 1_000_000


@dataclass(frozen=True)
class Verdict:
    """One point beside the release before it.

    Attributes:
        regressions: what became worse, in words. remarks: what cannot be told, in words.
        slower: how much longer the median is, 0.1 for a tenth; None where not comparable.
        larger: the same of peak memory, beside the largest.
    """

    regressions: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    slower: float | None = None
    larger: float | None = None


def judge(points: Sequence[Point], index: int, *, emulated: bool) -> Verdict:
    """The point at ``index`` of a series, oldest first, beside the release before it."""
    point = points[index]
    before, now = _sides(points[: index + 1])
    worked = [one for one in before if not one.error]
    if not worked:
        return Verdict()
    since = f"since {worked[-1].version}" if worked[-1].version != point.version else "since before"
    if point.error:
        return Verdict(regressions=(f"worked {since}, and does not now: {point.error}",))
    regressions, remarks = [], []
    slower = None
    if not emulated and not point.throttled:
        old = [ms for one in worked if not one.throttled for ms in one.rounds_ms]
        new = [ms for one in now if not one.throttled for ms in one.rounds_ms]
        if old:
            slower = median(new) / median(old) - 1
            longer = f"takes {slower:.0%} longer {since}"
            if slower > SLOWER and min(len(old), len(new)) < ROUNDS:
                remarks.append(
                    f"{longer}, but {len(old)} and {len(new)} rounds are too few to tell:"
                    f" {ROUNDS} each"
                )
            elif slower > SLOWER and min(new) > max(old):
                regressions.append(f"{longer} ({len(old)} and {len(new)} rounds, none in common)")
    most = max(one.peak_bytes for one in worked)
    larger = point.peak_bytes / most - 1
    if larger > MEMORY and point.peak_bytes - most > MEMORY_BYTES:
        regressions.append(f"takes {(point.peak_bytes - most) / 1e6:.1f} MB more memory {since}")
    known = [one.accuracy for one in worked if one.accuracy is not None
             and one.images == point.images]  # fmt: skip
    if point.accuracy is not None and known and point.accuracy < min(known):
        regressions.append(f"reads {point.accuracy:.1%} right instead of {min(known):.1%} {since}")
    return Verdict(tuple(regressions), tuple(remarks), slower, larger)


def _sides(points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """The points of the release before the last point's, and those of its own until it."""
    version = points[-1].version
    others = [one for one in points if one.version != version]
    if not others:
        return list(points[:-1]), [points[-1]]
    latest = others[-1]
    before = [one for one in others if one.version == latest.version]
    own = [one for one in points if one.version == version and one.measured > latest.measured]
    return before, [one for one in own if not one.error]
