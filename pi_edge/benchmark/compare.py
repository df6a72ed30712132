"""Two reports side by side: this machine and another, the laptop and the Pi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pi_edge.benchmark import report as reports
from pi_edge.benchmark.report import Report
from pi_edge.benchmark.table import number, short, table

COLUMNS = (
    ("", "model"),
    ("", "variant"),
    ("", "threads"),
    ("p50 ms", "here"),
    ("p50 ms", "there"),
    ("there", "/here"),
    ("runs/s", "here"),
    ("runs/s", "there"),
    ("there", "/here"),
    ("peak MB", "here"),
    ("peak MB", "there"),
    ("", "note"),
)


@dataclass(frozen=True)
class Pair:
    """One model, variant and number of threads on both machines; None where one lacks it."""

    here: Mapping[str, Any] | None
    there: Mapping[str, Any] | None

    @property
    def row(self) -> Mapping[str, Any]:
        row = self.here or self.there
        assert row is not None
        return row

    @property
    def comparable(self) -> bool:
        """Whether both measured the same file, successfully."""
        return (
            self.here is not None
            and self.there is not None
            and self.here["error"] is None
            and self.there["error"] is None
            and self.here["sha256"] == self.there["sha256"]
        )

    def ratio(self, key: str) -> float | None:
        """There divided by here; None where the two must not be compared."""
        if not self.comparable or self.here is None or self.there is None:
            return None
        return float(self.there[key] / self.here[key]) if self.here[key] else None

    def notes(self) -> list[str]:
        """Why there is no ratio, and what each side's own table would note."""
        if self.here is None:
            return ["not measured here"]
        if self.there is None:
            return ["not measured there"]
        notes = [f"here {text}" for text in reports.row_notes(self.here)]
        notes += [f"there {text}" for text in reports.row_notes(self.there)]
        if self.here["sha256"] != self.there["sha256"]:
            notes.append("not the same file here and there (SHA-256 differs): no ratio")
        return notes


def pairs(here: Report, there: Report) -> list[Pair]:
    """Rows of both reports matched by model, variant and threads, in this machine's order."""
    ours, theirs = _by_key(here), _by_key(there)
    return [Pair(ours.get(key), theirs.get(key)) for key in {**ours, **theirs}]


def to_text(here: Report, there: Report) -> str:
    """Both machines, the table, its notes."""
    notes: list[str] = []
    lines = []
    for pair in pairs(here, there):
        row = pair.row
        lines.append(
            [
                short(row["model"]),
                short(row["variant"]),
                str(row["threads"]),
                _figure(pair.here, "p50_ms"),
                _figure(pair.there, "p50_ms"),
                _times(pair.ratio("p50_ms")),
                _figure(pair.here, "throughput"),
                _figure(pair.there, "throughput"),
                _times(pair.ratio("throughput")),
                _figure(pair.here, "peak_bytes", 1e6),
                _figure(pair.there, "peak_bytes", 1e6),
                reports.mark(notes, pair.notes(), row),
            ]
        )
    sides = f"here:  {_side(here)}\nthere: {_side(there)}"
    return "\n\n".join(filter(None, [sides, table(COLUMNS, lines), "\n".join(notes)]))


def _side(report: Report) -> str:
    about = report["machine"]
    runtime = f"{about['runtime']['name']} {about['runtime']['version']}"
    text = f"{reports.label(report)}, {runtime}, {report['measured']}"
    if report["emulated"]:
        text += "\n       EMULATED: these times are not those of a Raspberry Pi"
    if any(row["throttled"] for row in report["rows"]):
        text += "\n       THROTTLED while measuring: it can do better than this"
    return text


def _by_key(report: Report) -> dict[tuple[str, str, int], Mapping[str, Any]]:
    return {(row["model"], row["variant"], row["threads"]): row for row in report["rows"]}


def _figure(row: Mapping[str, Any] | None, key: str, unit: float = 1) -> str:
    return "-" if row is None or row["error"] is not None else number(row[key] / unit)


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}x"
