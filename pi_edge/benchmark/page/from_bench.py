"""What ``pi-edge bench --json`` wrote, as figures: the first report beside each other one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pi_edge.benchmark import compare
from pi_edge.benchmark import report as reports
from pi_edge.benchmark.page import facts
from pi_edge.benchmark.page.figures import Beside, Comparison, Key, Machine, Measured, Ratio
from pi_edge.benchmark.values import at_least_zero, positive, text

FIGURES = ("p50_ms", "p95_ms", "p99_ms", "throughput", "first_ms", "load_ms", "peak_bytes")
EMULATED = "no ratio: an emulator's times are nobody's"
Row = Mapping[str, Any]


def machine(index: int, report: Row) -> tuple[Machine, dict[Key, Measured]]:
    """The machine of a report, and what it measured.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the report is damaged.
    """
    return facts.machine(index, report), {key(row): measured(row) for row in report["rows"]}


def comparison(here: tuple[Machine, Row], there: tuple[Machine, Row]) -> Comparison:
    """Two machines, each with its report."""
    lines = {}
    emulated = here[0].emulated or there[0].emulated
    for pair in compare.pairs(here[1], there[1]):
        value = None if emulated else pair.ratio("p50_ms")
        why = [EMULATED] if emulated else [note for note in pair.notes() if "not " in note]
        lines[key(pair.row)] = Beside(
            ratio=Ratio(positive(value)) if value is not None else None,
            why_not="" if value is not None else text("; ".join(why) or "no ratio"),
        )
    return Comparison(here[0], there[0], lines)


def key(row: Row) -> Key:
    """Which line of the table a row belongs to."""
    return text(row["model"]), text(row["variant"]), int(row["threads"])


def measured(row: Row, **more: Any) -> Measured:
    """One row's figures; ``more`` are fields of Measured that the row does not tell."""
    size = at_least_zero(row["bytes"]) if row["bytes"] is not None else None
    if row["error"] is not None:
        return Measured(error=text(row["error"]) or "did not work", bytes=size)
    figures: dict[str, Any] = {name: positive(row[name]) for name in FIGURES}
    return Measured(
        **figures,
        bytes=size,
        notes=tuple(map(text, reports.row_notes(row))),
        **more,
    )
