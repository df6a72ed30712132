"""What a report shows, whichever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pi_edge.benchmark.training import Training

Key = tuple[str, str, int]
"""Model, variant, number of threads."""


@dataclass(frozen=True)
class Machine:
    """A machine in one session of measuring.

    Attributes:
        letter: what it is called in plots and tables: "A", "B", ...
        name: what it is; an emulated one's begins with "emulated".
        emulated: whether its times are those of an emulator.
        measured: when, UTC, ISO 8601.
        facts: (title, value), what the machine is and in what condition it was.
        warnings: what a reader must know before any figure.
    """

    letter: str
    name: str
    emulated: bool
    measured: str
    facts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """One model's variant on one machine. What was not measured is None, samples empty.

    Attributes:
        error: why there are no figures; empty where there are.
        p50_ms, p95_ms, p99_ms: latency of one inference. samples_ms: the single times.
        throughput: inferences a second, one after the other.
        first_ms, load_ms: the first inference; opening the file until its tensors are allocated.
        peak_bytes: largest resident memory. bytes: the file's size. joules: of one inference.
        accuracy: part of the test images read right. images: how many those were.
        notes: what a reader must know of these figures.
    """

    error: str = ""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    samples_ms: tuple[float, ...] = field(default=(), repr=False)
    throughput: float | None = None
    first_ms: float | None = None
    load_ms: float | None = None
    peak_bytes: float | None = None
    bytes: float | None = None
    joules: float | None = None
    accuracy: float | None = None
    images: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ratio:
    """How many times as long: there divided by here, with a 95 % interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Beside:
    """One model's variant on two machines.

    Attributes:
        ratio: of the p50s; None where the two must not be compared. why_not: the reason for that.
        compared: whether both were asked the same, and their answers compared.
        difference: largest difference between the machines' outputs; None where there is no number
            for it. tolerance: what it may be.
        problem: why the answers are not the same; empty where they are.
        disagreeing: of the test images, how many the two read differently.
    """

    ratio: Ratio | None = None
    why_not: str = ""
    compared: bool = False
    difference: float | None = None
    tolerance: float | None = None
    problem: str = ""
    disagreeing: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Two machines beside each other: ``there`` is told in terms of ``here``."""

    here: Machine
    there: Machine
    lines: Mapping[Key, Beside]

    @property
    def emulated(self) -> bool:
        """Whether times must not be compared, an emulator's being nobody's."""
        return self.here.emulated or self.there.emulated


@dataclass(frozen=True)
class Page:
    """All that a report shows.

    Attributes:
        machines: in the order of their letters.
        lines: per model, variant and threads what each machine, by letter, measured.
        comparisons: pairs of machines.
        trainings: what training took.
        remarks: what else must be known: hosts that failed, measurements cut short.
    """

    machines: tuple[Machine, ...]
    lines: Mapping[Key, Mapping[str, Measured]]
    comparisons: tuple[Comparison, ...]
    trainings: tuple[Training, ...] = ()
    remarks: tuple[str, ...] = ()

    def machine(self, letter: str) -> Machine:
        """The machine called so."""
        return next(one for one in self.machines if one.letter == letter)

    @property
    def emulated(self) -> bool:
        return any(one.emulated for one in self.machines)
