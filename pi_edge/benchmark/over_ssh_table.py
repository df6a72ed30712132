"""A comparison over ssh as text: the machines, then one table of two lines a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pi_edge.benchmark import machine
from pi_edge.benchmark import report as reports
from pi_edge.benchmark.table import number, short, table

COLUMNS = (
    ("", "model"),
    ("", "variant"),
    ("", "machine"),
    ("right", "%"),
    ("p50", "ms"),
    ("p99", "ms"),
    ("there / here", "(95 %)"),
    ("runs", "/s"),
    ("peak", "MB"),
    ("load", "ms"),
    ("file", "kB"),
    ("energy", "mJ"),
    ("largest", "difference"),
    ("", "note"),
)
ENERGY = 11

EMULATED = (
    "EMULATED: no Raspberry Pi was measured, and these times say nothing of one. Ratios in\n"
    "[brackets] tell what emulation costs. That the answers are the same holds."
)


def to_text(comparison: Mapping[str, Any]) -> str:
    """A part for each host, then the legend."""
    parts = [_host(comparison, entry) for entry in comparison["hosts"]]
    shown = any(entry["rows"] for entry in comparison["hosts"])
    return "\n\n\n".join(filter(None, ["\n\n\n".join(parts), _legend(comparison) if shown else ""]))


def problems(comparison: Mapping[str, Any]) -> list[str]:
    """A line for each host that failed, model that did not work and answer that differs."""
    lines = []
    for entry in comparison["hosts"]:
        host = entry["host"]
        if entry["failed"]:
            lines.append(str(entry["failed"]))
        for row in entry["rows"]:
            name = f"{host}: {row['model']} {row['variant']}"
            if row["answers"]["problem"]:
                lines.append(f"{name}: NOT the same answers: {row['answers']['problem']}")
            for side in ("here", "there"):
                if row[side]["error"] is not None:
                    lines.append(f"{name} did not work {side}: {row[side]['error']}")
    return lines


def _host(comparison: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    title = f"here and {entry['host']}"
    if entry["emulated"]:
        title += " (EMULATED)"
    failed = f"FAILED: {entry['failed']}" if entry["failed"] else ""
    if not entry["rows"]:
        return f"{title}\n{failed}"
    notes: list[str] = []
    lines = [line for row in entry["rows"] for line in _lines(row, entry, notes)]
    rounds = len(entry["rows"][0]["there"]["rounds"])
    title += f", {rounds} {'round' if rounds == 1 else 'rounds'}"
    emulated = EMULATED if entry["emulated"] else ""
    parts = [title, failed, emulated, _machines(entry), _table(lines), "\n".join(notes)]
    return "\n\n".join(filter(None, parts))


def _machines(entry: Mapping[str, Any]) -> str:
    sides = [entry["here"], entry["there"]]
    facts: list[tuple[str, Callable[[Mapping[str, Any]], str]]] = [
        ("machine", lambda side: reports.label({**side, "emulated": side["machine"]["emulated"]})),
        ("processor", _processor),
        ("system", lambda side: str(side["machine"]["os"])),
        ("kernel", lambda side: f"{side['machine']['kernel']} {side['machine']['architecture']}"),
        ("runtime", lambda side: " ".join(side["machine"]["runtime"].values())),
        ("Python", _python),
        ("pi-edge", lambda side: str(side["machine"]["pi_edge"])),
        ("governor", lambda side: str(_last(side)["governor"] or "not told")),
        ("clock", lambda side: _before_after(side, "clock_mhz", "MHz", 0)),
        ("temperature", lambda side: _before_after(side, "temperature_c", "°C", 1)),
        ("throttled", _throttled),
        ("load average", lambda side: _before_after(side, "load_average", "", 1)),
    ]
    cells = [[name, *(tell(side) for side in sides)] for name, tell in facts]
    return _columns([["", _where(entry, "here"), _where(entry, "there")], *cells])


def _lines(row: Mapping[str, Any], entry: Mapping[str, Any], notes: list[str]) -> list[list[str]]:
    answers = row["answers"]
    new = [f"NOT the same answers: {answers['problem']}"] if answers["problem"] else []
    if row["images"] and row["images"]["disagreeing"]:
        new.append(f"{row['images']['disagreeing']} of the test images are read differently")
    for side in ("here", "there"):
        new += [f"{side} {text}" for text in reports.row_notes(row[side])]
    marks = reports.mark(notes, new, row)
    apart = "-" if answers["difference"] is None else f"{answers['difference']:.2g}"
    size = number(row["bytes"] / 1e3)
    return [
        [
            short(row["model"]), short(row["variant"]), _where(entry, "here"),
            *_figures(row["here"]), size, _energy(row["here"]), "", "",
        ],
        [
            "", "", _where(entry, "there"),
            *_figures(row["there"], _times(row, entry["emulated"])),
            "", _energy(row["there"]), apart, marks,
        ],
    ]  # fmt: skip


def _figures(side: Mapping[str, Any], times: str = "") -> list[str]:
    right = "-" if side["accuracy"] is None else f"{side['accuracy'] * 100:.1f}"
    if side["error"] is not None:
        return [right, "-", "-", times, "-", "-", "-"]
    return [
        right,
        number(side["p50_ms"]),
        number(side["p99_ms"]),
        times,
        number(side["throughput"]),
        number(side["peak_bytes"] / 1e6),
        number(side["load_ms"]),
    ]


def _times(row: Mapping[str, Any], emulated: bool) -> str:
    if row["ratio"] is None:
        return "-"
    value, low, high = (_factor(row["ratio"][key]) for key in ("value", "low", "high"))
    # One round does not know how far rounds are apart.
    interval = f"{low}-{high}" if len(row["there"]["rounds"]) > 1 else "one round"
    text = f"{value}x ({interval})"
    return f"[{text}]" if emulated else text


def _factor(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _table(lines: Sequence[Sequence[str]]) -> str:
    """The table, without the energy where no machine can tell it."""
    if any(line[ENERGY] != "-" for line in lines):
        return table(COLUMNS, lines)
    kept = [i for i in range(len(COLUMNS)) if i != ENERGY]
    return table([COLUMNS[i] for i in kept], [[line[i] for i in kept] for line in lines])


def _where(entry: Mapping[str, Any], side: str) -> str:
    return f"{side}, emulated" if entry[side]["machine"]["emulated"] else side


def _energy(side: Mapping[str, Any]) -> str:
    joules = side.get("joules")
    return "-" if joules is None else number(joules * 1e3)


def _processor(side: Mapping[str, Any]) -> str:
    about = side["machine"]
    memory = about["memory_bytes"]
    text = f"{about['cpu'] or 'unknown'}, {about['cores']} usable cores"
    return text + (f", {memory / 1e9:.1f} GB" if memory else "")


def _python(side: Mapping[str, Any]) -> str:
    about = side["machine"]
    return f"{about['python']}, {about['pointer_bits']} bit, NumPy {about['numpy']}"


def _before_after(side: Mapping[str, Any], key: str, unit: str, digits: int) -> str:
    values = [side[when][key] for when in ("before", "after") if side[when]]
    if not values or any(value is None for value in values):
        return "not told"
    told = " -> ".join(f"{value:.{digits}f}" for value in values)
    return f"{told} {unit}".strip()


def _throttled(side: Mapping[str, Any]) -> str:
    before, after = side["before"], _last(side)
    if after["throttled"] is None:
        return "not told"
    during = machine.throttling_between(before["throttled"], after["throttled"])
    if during:
        return f"THROTTLED: {', '.join(during)}"
    earlier = machine.throttling_since_boot(after["throttled"])
    return f"no; since boot: {', '.join(earlier)}" if earlier else "no"


def _last(side: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions: Mapping[str, Any] = side["after"] or side["before"]
    return conditions


def _columns(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _legend(comparison: Mapping[str, Any]) -> str:
    images = comparison["images"]
    which = f"of the same {images['count']} MNIST test images" if images else "not told"
    return (
        f"In each round every model is measured here, then there; {comparison['threads']} thread(s)"
        " an inference.\n"
        f"right: {which}; p50, p99, runs, load: median of the rounds' own.\n"
        "there / here: median of the rounds' ratios of p50, and its 95 % interval (rounds and\n"
        "durations drawn anew, bootstrap). peak: memory of a process that does only this\n"
        "(1 MB = 1,000,000 bytes). mJ: energy of one inference, all that the meter sees.\n"
        "largest difference: between the two machines' outputs on the same inputs."
    )
