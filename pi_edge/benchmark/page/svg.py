"""The plots of the HTML page: one small SVG a lane, laid out by the page.

Positions are percentages, so that a plot becomes as wide as the reader's screen or paper while
its text keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pi_edge.benchmark.page.figures import Measured, Ratio
from pi_edge.benchmark.page.scale import Log, shown

COLOURS = 6
# In percent of a lane's height: where the line of percentiles runs, below the histogram's foot.
LINE, FOOT = 80, 64
# How near, in parts of the width, the labels of two ticks may be.
NEAREST = 0.21
# Shapes of 12 x 12 around 0,0: machines are told apart without colour, too.
MARKS = (
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "M-4.5-4.5h9v9h-9z",
    "M0-6L6 4.5H-6z",
    "M0-6.3L6.3 0L0 6.3L-6.3 0z",
    "M0 6L6-4.5H-6z",
    "M-6-2h4v-4h4v4h4v4h-4v4h-4v-4h-4z",
)


def definitions() -> str:
    """The hatchings of emulated machines, one a colour; once on a page."""
    patterns = "".join(
        f'<pattern id="hatch{i}" class="m{i}" width="6" height="6" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate(45)"><rect width="2.4" height="6"'
        f' style="fill:var(--mine)"/></pattern>'
        for i in range(COLOURS)
    )
    return f'<svg class="defs" aria-hidden="true"><defs>{patterns}</defs></svg>'


def mark(index: int) -> str:
    """A machine's shape, in its colour."""
    shape = MARKS[index % len(MARKS)]
    return (
        f'<svg class="mark" viewBox="-7 -7 14 14" aria-hidden="true">'
        f'<path d="{shape}" fill="currentColor"/></svg>'
    )


def spread(axis: Log, measured: Measured, index: int, emulated: bool, said: str) -> str:
    """How one machine's latencies spread: a histogram where the single times are known, a line
    from p50 over p95 to p99, the machine's mark on p50."""
    p50, p95, p99 = measured.p50_ms, measured.p95_ms, measured.p99_ms
    assert p50 is not None
    assert p95 is not None
    assert p99 is not None
    a, b, c = (_percent(axis.at(value)) for value in (p50, p95, p99))
    dashed = ' stroke-dasharray="3 3"' if emulated else ""
    inside = _grid(axis) + _histogram(axis, measured.samples_ms, index, emulated)
    inside += (
        f'<line x1="{b}" x2="{c}" y1="{LINE}%" y2="{LINE}%" stroke-width="1.5"{dashed}/>'
        f'<line x1="{c}" x2="{c}" y1="{LINE - 14}%" y2="{LINE + 14}%" stroke-width="1.5"/>'
        f'<line x1="{a}" x2="{b}" y1="{LINE}%" y2="{LINE}%" stroke-width="4"{dashed}/>'
        f'<svg x="{a}" y="{LINE}%" overflow="visible"><path d="{MARKS[index % len(MARKS)]}"'
        f' stroke="var(--ground)"/></svg>'
    )
    return _lane(inside, said, f"ink m{index % COLOURS}")


def bar(axis: Log, ratio: Ratio, index: int, said: str) -> str:
    """A ratio: a bar from 1, its interval as a whisker."""
    one, value = axis.at(1.0), axis.at(ratio.value)
    left, width = min(one, value), abs(value - one)
    inside = _grid(axis) + (
        f'<rect x="{_percent(left)}" width="{_percent(width)}" y="22%" height="56%"'
        f' fill-opacity=".55" stroke="none"/>'
    )
    if ratio.low is not None and ratio.high is not None:
        low, high = _percent(axis.at(ratio.low)), _percent(axis.at(ratio.high))
        inside += f'<line x1="{low}" x2="{high}" y1="50%" y2="50%" stroke-width="2"/>' + "".join(
            f'<line x1="{x}" x2="{x}" y1="28%" y2="72%" stroke-width="2"/>' for x in (low, high)
        )
    at = _percent(value)
    inside += f'<line x1="{at}" x2="{at}" y1="14%" y2="86%" stroke-width="3"/>'
    at = _percent(one)
    inside += f'<line class="one" x1="{at}" x2="{at}" y1="0" y2="100%"/>'
    return _lane(inside, said, f"ink m{index % COLOURS}")


def amount(part: float, imported: float | None, ticks: Sequence[float], said: str) -> str:
    """A bar from 0: filled, its pale beginning ``imported``; hollow where that is None."""
    inside = "".join(
        f'<line class="grid" x1="{_percent(at)}" x2="{_percent(at)}" y1="0" y2="100%"/>'
        for at in ticks
    )
    box = 'y="24%" height="52%"'
    if imported is None:
        inside += f'<rect class="hollow" x="0" width="{_percent(part)}" {box}/>'
    else:
        inside += (
            f'<rect class="import" x="0" width="{_percent(imported)}" {box}/>'
            f'<rect class="mine" x="{_percent(imported)}" width="{_percent(part - imported)}"'
            f" {box}/>"
        )
    return _lane(inside, said, "")


def labels(ticks: Sequence[tuple[float, str]]) -> str:
    """The ticks' labels, in a lane of their own; each tick is a part of the width and a text."""
    inside, last = "", -1.0
    for at, label in ticks:
        # On a phone the next one would run into it.
        if at - last >= NEAREST:
            inside += f'<text x="{_percent(at)}" y="14" text-anchor="middle">{escape(label)}</text>'
            last = at
    return f'<svg class="axis" aria-hidden="true">{inside}</svg>'


def log_labels(axis: Log) -> str:
    return labels([(axis.at(tick), shown(tick)) for tick in axis.ticks()])


def _grid(axis: Log) -> str:
    places = (_percent(axis.at(tick)) for tick in axis.ticks())
    return "".join(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="100%"/>' for x in places)


def _histogram(axis: Log, samples: Sequence[float], index: int, emulated: bool) -> str:
    heights = axis.histogram(samples)
    if not heights:
        return ""
    if emulated:
        # A pattern would be stretched with the shape: so one bar a step, in the page's own scale.
        width = 100 / len(heights)
        return "".join(
            f'<rect x="{i * width:.2f}%" width="{width:.2f}%" y="{FOOT * (1 - height):.1f}%"'
            f' height="{FOOT * height:.1f}%" fill="url(#hatch{index % COLOURS})" stroke="none"/>'
            for i, height in enumerate(heights)
            if height > 0
        )
    steps = "".join(f"V{100 * (1 - height):.1f}H{i + 1}" for i, height in enumerate(heights))
    return (
        f'<svg width="100%" height="{FOOT}%" viewBox="0 0 {len(heights)} 100"'
        f' preserveAspectRatio="none"><path d="M0 100{steps}V100z" fill="currentColor"'
        f' fill-opacity=".38" stroke="none"/></svg>'
    )


def _lane(inside: str, said: str, kind: str) -> str:
    return f'<svg role="img" class="{kind}" aria-label="{escape(said)}">{inside}</svg>'


def _percent(part: float) -> str:
    return f"{100 * part:.2f}%"
