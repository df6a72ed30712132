"""Figures of many reports, of the same thing measured again and again, in the order of time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from pi_edge.benchmark import report as reports
from pi_edge.benchmark import suite, values
from pi_edge.benchmark.over_ssh import FORMAT as COMPARISON
from pi_edge.benchmark.values import at_least_zero, positive, text
from pi_edge.errors import BadInput, NotFound, PiEdgeError

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """What must be the same for figures to be compared.

    Attributes:
        machine: name, host where ssh has one, processor, cores, architecture, pointer size, memory.
        emulated: whether it is an emulator's.
        runtime: name and version.
        method: the command that measured, and its limits.
        model, variant, threads: the line. sha256: of the file.
    """

    machine: str
    emulated: bool
    runtime: str
    method: str
    model: str
    variant: str
    threads: int
    sha256: str


@dataclass(frozen=True)
class Point:
    """One setting's figures in one report.

    Attributes:
        measured: when, UTC. version: pi-edge's. file: the report's name.
        error: why there are no figures; empty where there are.
        rounds_ms: p50 of each round. peak_bytes: largest resident memory.
        accuracy: part of the test images read right, None where not measured. images: which.
        throttled: whether the machine was slowed meanwhile.
    """

    measured: datetime
    version: str
    file: str
    error: str = ""
    rounds_ms: tuple[float, ...] = ()
    peak_bytes: float = 0.0
    accuracy: float | None = None
    images: str = ""
    throttled: bool = False

    @property
    def p50_ms(self) -> float:
        return median(self.rounds_ms)


@dataclass(frozen=True)
class History:
    """All that a folder tells: per setting its points, oldest first; and for each file that could
    not be read one line."""

    series: Mapping[Setting, tuple[Point, ...]]
    left_out: tuple[str, ...]


def read(folder: Path) -> History:
    """Every .json file in a folder.

    Raises:
        NotFound: there is no such folder, or no report in it.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}")
    found: dict[Setting, set[Point]] = {}
    left_out = []
    for path in sorted(folder.glob("*.json")):
        try:
            points = list(_points(path))
        except PiEdgeError as error:
            left_out.append(text(error))
            continue
        for setting, point in points:
            known = found.setdefault(setting, set())
            # A copy of a report is no second measurement.
            if not any(point.measured == one.measured for one in known):
                known.add(point)
    if not found:
        raise NotFound("; ".join([f"there is no report in {folder}", *left_out]))
    series = {
        setting: tuple(sorted(points, key=lambda one: one.measured))
        for setting, points in sorted(found.items(), key=lambda item: _order(item[0]))
    }
    return History(series, tuple(left_out))


def _order(setting: Setting) -> tuple[Any, ...]:
    """Emulated machines last."""
    return setting.emulated, *(str(getattr(setting, name)) for name in setting.__annotations__)


def _points(path: Path) -> Iterator[tuple[Setting, Point]]:
    document = values.load(path)
    with values.reading(path):
        kind = document.get("format")
        if kind == suite.FORMAT:
            for row in document["rows"]:
                yield _point(path, document, row, "", "pi-edge bench", row["sha256"], "")
        elif kind == COMPARISON:
            yield from _of_comparison(path, document)
        else:
            raise BadInput(f"{path} is no report of pi-edge bench or scripts/bench-over-ssh")


def _of_comparison(path: Path, document: Told) -> Iterator[tuple[Setting, Point]]:
    method = f"bench-over-ssh {json.dumps(document['limits'], sort_keys=True)}"
    images = document["images"]["sha256"] if document["images"] else ""
    for host in document["hosts"]:
        for row in host["rows"]:
            for side in ("here", "there"):
                session = {
                    "machine": host[side]["machine"],
                    "emulated": host[side]["machine"]["emulated"],
                    "measured": host["measured"],
                }
                name = host["host"] if side == "there" else ""
                line = {**row[side], **{key: row[key] for key in ("model", "variant", "threads")}}
                yield _point(path, session, line, name, method, row["sha256"], images)


def _point(
    path: Path, session: Told, row: Told, host: str, method: str, sha256: Any, images: str
) -> tuple[Setting, Point]:
    about = session["machine"]
    emulated = bool(session["emulated"] or about["emulated"])
    memory = about["memory_bytes"]
    name = reports.label({**session, "emulated": emulated})
    facts = [name, host, about["cpu"] if about["cpu"] != name else "", f"{about['cores']} cores",
             f"{about['architecture']}, {about['pointer_bits']}-bit Python",
             f"{positive(memory) / 1e9:.1f} GB" if memory else ""]  # fmt: skip
    measured = datetime.fromisoformat(str(session["measured"]))
    if measured.tzinfo is None:
        raise ValueError(f"{text(session['measured'])} does not say that it is UTC")
    point = Point(
        measured=measured,
        version=text(about["pi_edge"]),
        file=text(path.name),
        throttled=bool(row["throttled"]),
    )
    if row["error"] is not None:
        point = replace(point, error=text(row["error"]) or "did not work")
    else:
        accuracy = row.get("accuracy")
        point = replace(
            point,
            rounds_ms=tuple(positive(one["p50_ms"]) for one in row.get("rounds") or [row]),
            peak_bytes=positive(row["peak_bytes"]),
            accuracy=None if accuracy is None else at_least_zero(accuracy),
            images=text(images),
        )
    setting = Setting(
        machine=text(", ".join(str(fact) for fact in facts if fact)),
        emulated=emulated,
        runtime=text(f"{about['runtime']['name']} {about['runtime']['version']}"),
        method=text(method),
        model=text(row["model"]),
        variant=text(row["variant"]),
        threads=int(row["threads"]),
        sha256=text(sha256),
    )
    return setting, point
