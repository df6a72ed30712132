"""What a report says, the same on the HTML page, in the picture and in Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pi_edge.benchmark.page.figures import Beside, Comparison, Key, Machine, Measured, Page
from pi_edge.benchmark.table import number

NONE = "–"
LOWER, HIGHER = "lower is better", "higher is better"


@dataclass(frozen=True)
class Column:
    """A figure of the table.

    Attributes:
        title, unit, better: its heading; ``better`` says which way.
        value: the figure in that unit; None where it was not measured.
        optional: left out where no machine has it.
    """

    title: str
    unit: str
    better: str
    value: Callable[[Measured], float | None]
    optional: bool = False

    def cell(self, measured: Measured) -> str:
        value = self.value(measured)
        return NONE if value is None else number(value)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


COLUMNS = (
    Column("accuracy", "%", HIGHER, lambda m: _times(m.accuracy, 100), optional=True),
    Column("p50", "ms", LOWER, lambda m: m.p50_ms),
    Column("p95", "ms", LOWER, lambda m: m.p95_ms),
    Column("p99", "ms", LOWER, lambda m: m.p99_ms),
    Column("inferences", "/s", HIGHER, lambda m: m.throughput),
    Column("first", "ms", LOWER, lambda m: m.first_ms),
    Column("load", "ms", LOWER, lambda m: m.load_ms),
    Column("peak memory", "MB", LOWER, lambda m: _times(m.peak_bytes, 1e-6)),
    Column("energy", "mJ", LOWER, lambda m: _times(m.joules, 1e3), optional=True),
)

LEGEND = (
    "p50, p95, p99: half, 95 % and 99 % of the inferences took at most so long. inferences: per "
    "second, one after the other. first: the first inference, everything cold. load: opening the "
    "file until its tensors are allocated. peak memory: of a process that does only this (1 MB = "
    "1,000,000 bytes)."
)


def columns(page: Page) -> list[Column]:
    """The columns of which some machine has a figure, and those that every report has."""
    every = [one for line in page.lines.values() for one in line.values()]
    return [
        column
        for column in COLUMNS
        if not column.optional or any(column.value(one) is not None for one in every)
    ]


def absent(page: Page) -> list[str]:
    """Sentences on what these reports do not hold."""
    shown = {column.title for column in columns(page)}
    every = [one for line in page.lines.values() for one in line.values()]
    said = []
    if "accuracy" not in shown:
        said.append("Accuracy was not measured.")
    elif any(one.images is not None for one in every):
        counts = sorted({one.images for one in every if one.images is not None})
        said.append(
            f"accuracy: on {' or '.join(f'{n:,}' for n in counts)} test images of MNIST, the same"
            " for all machines."
        )
    if "energy" not in shown:
        said.append("Energy was not measured: no machine could tell.")
    else:
        said.append("energy: of one inference, idling included.")
    return [*said, f"{NONE}: not measured."]


def title(page: Page) -> str:
    """What stands above all."""
    names = [f"{one.name} ({one.letter})" for one in page.machines]
    if len(names) <= 2:
        return f"Benchmark: {' beside '.join(names)}"
    return f"Benchmark of {len(names)} machines"


def machine(one: Machine) -> str:
    """Its letter and name: "B: Raspberry Pi 4 Model B Rev 1.4"."""
    return f"{one.letter}: {one.name}"


def line(key: Key) -> str:
    """Which model, variant and number of threads."""
    model, variant, threads = key
    return f"{model} {variant}, {threads_of(threads)}"


def threads_of(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def size(page: Page, key: Key) -> str:
    """The file's size, or sizes where the machines had different files."""
    sizes = {one.bytes for one in page.lines[key].values() if one.bytes is not None}
    return " or ".join(f"{number(count / 1e3)} kB" for count in sorted(sizes))


def versus(page: Page, key: Key, letter: str) -> list[tuple[Comparison, Beside]]:
    """The comparisons in which this machine is told in terms of another."""
    return [
        (one, one.lines[key])
        for one in page.comparisons
        if one.there.letter == letter and key in one.lines
    ]


def ratio(comparison: Comparison, beside: Beside) -> str:
    """How many times as long, without the interval: "6.02 × A"."""
    if beside.ratio is None:
        return "no ratio: emulated" if comparison.emulated else "no ratio"
    return f"{beside.ratio.value:.2f} × {comparison.here.letter}"


def interval(beside: Beside) -> str:
    """The ratio's 95 % interval; empty where there is none."""
    if beside.ratio is None or beside.ratio.low is None or beside.ratio.high is None:
        return ""
    return f"{beside.ratio.low:.2f} to {beside.ratio.high:.2f}"


def axis_of_ratios(comparison: Comparison) -> str:
    here, there = comparison.here.letter, comparison.there.letter
    return (
        f"p50 of {there} ÷ p50 of {here}, logarithmic; right of 1: {there} takes longer;"
        f" left of 1: {here} takes longer"
    )


def kind_of_interval(comparison: Comparison) -> str:
    """What the ratios are, and their intervals."""
    if any(one.ratio and one.ratio.low is not None for one in comparison.lines.values()):
        return (
            "Whiskers and brackets: 95 % intervals. The median of the rounds' ratios: what slowed"
            " both in one round does not count."
        )
    return "Without intervals: each machine was measured once, not in turn with the other."


def answers(beside: Beside) -> str:
    """Whether the two machines' answers are the same."""
    if not beside.compared:
        return "not compared"
    images = ""
    if beside.disagreeing:
        images = f"; {beside.disagreeing} of the test images read differently"
    if beside.problem:
        return f"NOT the same: {beside.problem}{images}"
    if beside.difference == 0:
        return f"same: identical{images}"
    told = [
        f"at most {tiny(beside.difference)} apart" if beside.difference is not None else "",
        f"{tiny(beside.tolerance)} allowed" if beside.tolerance is not None else "",
    ]
    return f"same: {', '.join(filter(None, told))}{images}"


def tiny(value: float) -> str:
    """Two figures, powers of ten written out.

    >>> [tiny(x) for x in (0.06, 0.00123, 3.7e-5)]
    ['0.06', '0.0012', '3.7 × 10⁻⁵']
    """
    text = f"{value:.2g}"
    if "e" not in text:
        return text
    figures, _, power = text.partition("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{figures} × 10{raised}"


def notes(page: Page, key: Key, letter: str) -> list[str]:
    """What a reader must know of one machine's line."""
    measured = page.lines[key][letter]
    told = [f"did not work: {measured.error}"] if measured.error else list(measured.notes)
    for comparison, beside in versus(page, key, letter):
        if beside.why_not and not comparison.emulated and not measured.error:
            told.append(f"no ratio to {comparison.here.letter}: {beside.why_not}")
    return told


def size_of_memory(count: float) -> str:
    """Bytes in MB of 1,000,000 with a thousands separator."""
    return f"{count / 1e6:,.0f} MB"


def duration(seconds: float) -> str:
    """
    >>> [duration(s) for s in (20, 159, 4872)]
    ['20 s', '2 min 39 s', '81 min 12 s']
    """
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
