"""What a light that is watched from outside does, in words."""

from __future__ import annotations

import random
import sys
from itertools import accumulate, cycle, islice
from math import inf
from statistics import median

import pytest
from support import ROOT

from pi_edge.blinker import PATTERNS, WINK

sys.path.append(str(ROOT / "scripts"))

from emulated_pi.pattern import Change, Watched

Span = tuple[bool, float]


def watched(*spans: Span) -> tuple[Watched, float]:
    """A light that was lit or dark for so long each, the last for ever; and when that one began."""
    starts = list(accumulate((seconds for _, seconds in spans), initial=100.0))[: len(spans)]
    light = Watched(spans[0][0], starts[0])
    for (lit, _), at in zip(spans[1:], starts[1:], strict=True):
        light.see(lit, at)
    return light, starts[-1]


def blinking(state: str, spans: int = 16) -> list[Span]:
    return list(islice(cycle(PATTERNS[state]), spans))


def words(*spans: Span, age: float = 0.01) -> str:
    """What it does, when its last change is ``age`` seconds ago."""
    light, last = watched(*spans)
    return light.words(last + age)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("starting", "2.0 Hz, even: starting"),
        ("failed", "8.0 Hz, even: failed"),
        ("degraded", "0.9 s on, 0.1 s off: degraded"),
        ("learning", "2.5 s on, 0.5 s off: learning"),
    ],
)
def test_what_the_daemon_s_light_repeats_is_recognised(state: str, expected: str) -> None:
    assert words(*blinking(state)) == expected


@pytest.mark.parametrize("state", ["starting", "failed", "degraded", "learning"])
def test_medians_bear_a_busy_machine(state: str) -> None:
    chance = random.Random(7)
    late = [(lit, seconds * chance.uniform(0.9, 1.25)) for lit, seconds in blinking(state, 40)]
    light, last = watched(*late)
    found = light.rhythm(last)
    assert found
    assert found.state == state


def test_a_rhythm_of_somebody_else_has_no_state() -> None:
    spans = [(n % 2 == 0, 0.5) for n in range(12)]
    assert words(*spans) == "1.0 Hz, even"


@pytest.mark.parametrize(("lit", "expected"), [(True, "steady on: ready"), (False, "off")])
def test_no_change_for_long_is_steady(lit: bool, expected: str) -> None:
    assert words((lit, inf), age=5) == expected


def test_on_is_not_called_steady_at_once() -> None:
    assert words((False, 1.0), (True, inf), age=1) == "on"


def test_a_pattern_that_ended_is_over() -> None:
    assert words(*blinking("starting"), (True, inf), age=1.2) == "on"
    assert words(*blinking("starting"), (True, inf), age=5) == "steady on: ready"
    assert words(*blinking("failed"), (True, 0.02), (False, inf), age=5) == "off"


def test_one_wink_is_seen_and_forgotten() -> None:
    spans = (False, 1.0), (True, 5.0), (False, WINK), (True, inf)
    assert words(*spans, age=0.5) == "on, winks of 30 ms: ready, answering"
    assert words(*spans, age=7) == "steady on: ready"


def test_winks_need_no_rhythm() -> None:
    gaps = (0.17, 1.4, 0.2, 2.0, 0.3)
    spans = [span for gap in gaps for span in ((True, gap), (False, WINK))]
    assert words(*spans, (True, inf), age=1.5).startswith("on, winks")


def test_the_first_span_does_not_count_for_nobody_saw_it_begin() -> None:
    light, last = watched((True, 0.01), *blinking("starting", 6)[1:])
    assert light.phases(True, last) == [0.25, 0.25]
    assert median(light.phases(False, last)) == 0.25


def test_only_a_change_is_told() -> None:
    light = Watched(True, 100.0)
    assert light.see(True, 100.1) is None
    assert light.see(False, 100.2) == Change(100.2, False)
