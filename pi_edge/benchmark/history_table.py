"""A history as a table for a person, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pi_edge.benchmark.history import History, Point, Setting
from pi_edge.benchmark.regression import MEMORY, ROUNDS, SLOWER, Verdict, judge
from pi_edge.benchmark.table import number, short, table

FORMAT = "pi-edge history 1"

COLUMNS = (
    ("", "model"),
    ("", "variant"),
    ("", "threads"),
    ("", "pi-edge"),
    ("measured", "UTC"),
    ("", "rounds"),
    ("p50", "ms"),
    ("", "change"),
    ("peak", "MB"),
    ("", "change"),
    ("", "note"),
)
LEGEND = (
    "p50: latency of one inference, median of the rounds; peak: memory. Lower is better.\n"
    "change: beside the release before, of the same file on the same machine and runtime.\n"
    f"REGRESSION: every round slower than every round before, the median by more than {SLOWER:.0%},"
    f" of\n{ROUNDS} rounds or more each; {MEMORY:.0%} and 1 MB more memory; less accuracy; or it no"
    " longer works."
)


def verdicts(setting: Setting, points: Sequence[Point]) -> list[Verdict]:
    """Of each point of a series."""
    return [judge(points, i, emulated=setting.emulated) for i in range(len(points))]


def regressions(history: History) -> int:
    """How many series' newest points are worse than the release before."""
    return sum(
        bool(verdicts(setting, points)[-1].regressions)
        for setting, points in history.series.items()
    )


def to_text(history: History) -> str:
    """A table a machine and runtime, each with its notes."""
    groups: dict[tuple[str, str, str, str, str], list[Setting]] = {}
    for setting in history.series:
        mark = "EMULATED, these times are not those of a Raspberry Pi" if setting.emulated else ""
        command = setting.method.split(" {")[0]
        title = (setting.machine, setting.runtime, f"by {command}", mark, setting.method)
        groups.setdefault(title, []).append(setting)
    parts = []
    for title, settings in groups.items():
        notes: list[str] = []
        rows = [row for one in settings for row in _rows(one, history.series[one], notes)]
        heading = "\n".join(filter(None, [title[0], ", ".join(filter(None, title[1:4]))]))
        parts += [heading, table(COLUMNS, rows), *filter(None, ["\n".join(notes)])]
    return "\n\n".join([*parts, LEGEND])


def to_json(history: History) -> dict[str, Any]:
    """The same for programs; ``regressions`` counts those of the newest points."""
    return {
        "format": FORMAT,
        "regressions": regressions(history),
        "left_out": list(history.left_out),
        "series": [
            {
                **vars(setting),
                "points": [
                    _json(point, verdict)
                    for point, verdict in zip(points, verdicts(setting, points), strict=True)
                ],
            }
            for setting, points in history.series.items()
        ],
    }


def _rows(setting: Setting, points: Sequence[Point], notes: list[str]) -> list[list[str]]:
    rows = []
    for point, verdict in zip(points, verdicts(setting, points), strict=True):
        told = [f"REGRESSION: {one}" for one in verdict.regressions]
        told += verdict.remarks
        told += ["throttled: its time does not count"] if point.throttled else []
        told += [f"did not work: {point.error}"] if point.error and not told else []
        marks = []
        for text in told:
            marks.append(f"[{len(notes) + 1}]")
            where = f"{setting.model} {setting.variant} {setting.threads}, {point.file}"
            notes.append(f"{marks[-1]} {where}: {text}")
        flag = "REGRESSION " if verdict.regressions else ""
        rows.append(
            [
                short(setting.model),
                short(setting.variant),
                str(setting.threads),
                short(point.version),
                f"{point.measured:%Y-%m-%d %H:%M}",
                str(len(point.rounds_ms)),
                "-" if point.error else number(point.p50_ms),
                _change(verdict.slower),
                "-" if point.error else number(point.peak_bytes / 1e6),
                _change(verdict.larger),
                flag + "".join(marks),
            ]
        )
    return rows


def _change(part: float | None) -> str:
    if part is None:
        return ""
    return "0%" if abs(part) < 0.005 else f"{part:+.0%}"


def _json(point: Point, verdict: Verdict) -> dict[str, Any]:
    worked = not point.error
    return {
        "file": point.file,
        "measured": f"{point.measured:%Y-%m-%dT%H:%M:%SZ}",
        "pi_edge": point.version,
        "error": point.error or None,
        "throttled": point.throttled,
        "p50_ms": point.p50_ms if worked else None,
        "rounds_ms": list(point.rounds_ms),
        "peak_bytes": point.peak_bytes if worked else None,
        "accuracy": point.accuracy,
        "slower": verdict.slower,
        "larger": verdict.larger,
        "regressions": list(verdict.regressions),
        "remarks": list(verdict.remarks),
    }
