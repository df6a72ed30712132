"""The figures as a table for a person and as a JSON file for later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pi_edge import files
from pi_edge.benchmark import machine, values
from pi_edge.benchmark.suite import FORMAT
from pi_edge.benchmark.table import number, short, table
from pi_edge.errors import BadInput, PiEdgeError

Report = Mapping[str, Any]

COLUMNS = (
    ("", "model"),
    ("", "variant"),
    ("", "threads"),
    ("p50", "ms"),
    ("p95", "ms"),
    ("p99", "ms"),
    ("runs", "/s"),
    ("first", "ms"),
    ("load", "ms"),
    ("peak", "MB"),
    ("model", "MB"),
    ("file", "kB"),
    ("", "note"),
)
LEGEND = (
    "p50, p95, p99: latency of one inference; runs: inferences per second, one after the other;\n"
    "first: the first inference; load: opening the file until its tensors are allocated;\n"
    "peak: memory of a process that does only this; model: that without Python and the runtime\n"
    "(1 MB = 1,000,000 bytes)."
)


def write(path: Path, report: Report) -> None:
    """Write the JSON file, whole or not at all.

    Raises:
        PiEdgeError: it cannot be written there.
    """
    try:
        files.write_json(path, report)
    except OSError as error:
        raise PiEdgeError(f"cannot write {path}: {error.strerror}") from error


def read(path: Path) -> dict[str, Any]:
    """A report that ``write`` wrote, here or on another machine.

    Raises:
        NotFound: there is no such file.
        BadInput: it is not such a report.
    """
    report = values.load(path)
    if report.get("format") != FORMAT:
        raise BadInput(f"{path} is not a report of pi-edge bench --json ({FORMAT!r})")
    with values.reading(path):
        to_text(report)
    return report


def to_text(report: Report) -> str:
    """Title, machine, table, notes and legend."""
    notes: list[str] = []
    lines = [_cells(row, notes) for row in report["rows"]]
    return "\n\n".join(
        filter(None, [heading(report), table(COLUMNS, lines), "\n".join(notes), LEGEND])
    )


def label(report: Report) -> str:
    """The machine in a few words; an emulated one is always called so."""
    about = report["machine"]
    name = about["board"] or about["cpu"] or about["architecture"]
    if not report["emulated"]:
        return str(name)
    return f"emulated {about['architecture']} ({name})"


def heading(report: Report) -> str:
    """When and on what machine, in what condition."""
    about, before, after = report["machine"], report["before"], report["after"]
    lines = [f"Measured {report['measured']} on: {label(report)}"]
    if report["emulated"]:
        lines.append(f"EMULATED: {about['emulation']}; these times are not those of a Raspberry Pi")
    memory = about["memory_bytes"]
    lines.append(
        f"{about['cpu'] or 'unknown processor'}, {about['cores']} usable cores,"
        f" {about['architecture']}, {about['pointer_bits']}-bit Python"
        + (f", {memory / 1e9:.1f} GB memory" if memory else "")
    )
    lines.append(f"{about['os']}, kernel {about['kernel']}")
    lines.append(
        f"{about['runtime']['name']} {about['runtime']['version']}, pi-edge {about['pi_edge']},"
        f" Python {about['python']}, NumPy {about['numpy']}"
    )
    lines += _conditions(before, after)
    return "\n".join(lines)


def _conditions(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    told = []
    if before["clock_mhz"] and after["clock_mhz"]:
        told.append(f"clock {before['clock_mhz']} MHz before, {after['clock_mhz']} MHz after")
    if after["governor"]:
        told.append(f"governor {after['governor']}")
    if before["temperature_c"] is not None and after["temperature_c"] is not None:
        told.append(
            f"{before['temperature_c']:.1f} °C before, {after['temperature_c']:.1f} °C after"
        )
    return [*([", ".join(told)] if told else []), *filter(None, [throttling(before, after)])]


def throttling(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Whether the firmware slowed the machine, by its words before and after; empty on a machine
    that has no such firmware."""
    if after["throttled"] is None:
        return ""
    during = machine.throttling_between(before["throttled"], after["throttled"])
    earlier = machine.throttling_since_boot(after["throttled"])
    if during:
        return f"THROTTLED while measuring: {', '.join(during)}; it can do better than this"
    if earlier:
        return f"not throttled while measuring; since boot: {', '.join(earlier)}"
    return "not throttled, now or since boot"


def row_notes(row: Mapping[str, Any]) -> list[str]:
    """What a reader must know of a row beside its figures."""
    if row["error"] is not None:
        return [f"did not work: {row['error']}"]
    notes = []
    if not row["stable"]:
        notes.append(f"never became stable in {row['warm_up_seconds']:.1f} s of warm-up")
    if row["throttled"]:
        notes.append(f"throttled: {', '.join(row['throttled'])}")
    return notes


def mark(notes: list[str], new: Sequence[str], row: Mapping[str, Any]) -> str:
    """Number the new notes, add them to ``notes`` and return their numbers for the table."""
    marks = []
    for text in new:
        marks.append(f"[{len(notes) + 1}]")
        notes.append(f"{marks[-1]} {row['model']} {row['variant']} {row['threads']}: {text}")
    return "".join(marks)


def _cells(row: Mapping[str, Any], notes: list[str]) -> list[str]:
    marks = mark(notes, row_notes(row), row)
    if row["error"] is not None:
        figures = ["-"] * 8
    else:
        figures = [
            *(
                number(row[key])
                for key in ("p50_ms", "p95_ms", "p99_ms", "throughput", "first_ms", "load_ms")
            ),
            number(row["peak_bytes"] / 1e6),
            number(max(row["peak_bytes"] - row["runtime_bytes"], 0) / 1e6),
        ]
    size = number(row["bytes"] / 1e3) if row["bytes"] is not None else "-"
    return [short(row["model"]), short(row["variant"]), str(row["threads"]), *figures, size, marks]
