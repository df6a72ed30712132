"""The same models, files, inputs and settings here and on other machines, in turn, over ssh.

Each host is compared with this machine alone, one host after the other, so that this machine
never does two things at once. In each round every model is measured here, then there, before the
next: what drifts, drifts for both.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pi_edge import catalog, files
from pi_edge.benchmark import paired, same_answers, session, suite
from pi_edge.benchmark.digit_images import RULE, DigitImages
from pi_edge.benchmark.progress import Progress
from pi_edge.benchmark.session import Lost, Session
from pi_edge.benchmark.table import number
from pi_edge.deploy import ssh
from pi_edge.errors import BadInput, NotFound, PiEdgeError

FORMAT = "pi-edge comparison 1"

# Short beside pi-edge bench's, as there are several rounds.
LIMITS: Mapping[str, float] = {
    "window_seconds": 0.05,
    "warm_up_seconds": 3.0,
    "runs": 20,
    "seconds": 0.5,
    "longest_seconds": 5.0,
}

# Single durations kept of a row, of all rounds of one machine.
SAMPLES = 2000
ENERGY_SECONDS = 1.0


@dataclass(frozen=True)
class Subject:
    """One model's variant, to be measured on both machines.

    Attributes:
        check: its folder's check.npz, where there is one.
        tolerance: that of model.json, where it tells one.
    """

    model: str
    task: str
    variant: str
    file: Path
    sha256: str
    check: Path | None
    check_sha256: str | None
    tolerance: float | None

    def asked(self, threads: int) -> dict[str, Any]:
        """It as the worker is asked for it."""
        return {
            "model": self.model,
            "variant": self.variant,
            "file": self.sha256,
            "check": self.check_sha256,
            "threads": threads,
        }


@dataclass(frozen=True)
class Plan:
    """What to measure, and how.

    Attributes:
        images: what digits models read for their accuracy; None where there are none.
        limits: fields of measure.Limits that differ from its defaults.
    """

    subjects: Sequence[Subject]
    threads: int = 1
    rounds: int = 5
    images: DigitImages | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: dict(LIMITS))


@dataclass
class _Measured:
    """What is known of a subject so far."""

    subject: Subject
    agreement: same_answers.Agreement | None = None
    digits: Mapping[str, Any] = field(default_factory=dict)
    here: list[dict[str, Any]] = field(default_factory=list)
    there: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(row["error"] is not None for row in self.here + self.there)


def subjects(
    entries: Mapping[str, catalog.Entry], names: Sequence[str], variant: str
) -> list[Subject]:
    """The models named, or all; one variant of each, or all.

    Raises:
        NotFound: a model named does not exist or lacks the variant, or nothing is left.
    """
    chosen = []
    for job in suite.jobs(entries, names, variant, [1]):
        entry = entries[job.model]
        told = entry.info.get("variants", {}).get(job.variant, {}).get("tolerance")
        check = job.file.parent / "check.npz"
        known = check.is_file() and bool(entry.info)
        chosen.append(
            Subject(
                job.model,
                entry.task,
                job.variant,
                job.file,
                files.sha256(job.file),
                check if known else None,
                files.sha256(check) if known else None,
                None if told is None else float(told),
            )
        )
    return chosen


def run(plan: Plan, hosts: Iterable[str], python: str = session.PYTHON_THERE) -> dict[str, Any]:
    """Compare this machine with each host, one after the other.

    Args:
        python: the interpreter of the deployed release there.

    Returns:
        The comparison, as docs/benchmarks.md describes it. A host that cannot be reached or is
        lost on the way says so in ``failed``. After Ctrl-C it has what there is until
        then, and ``stopped`` is true.
    """
    found: list[dict[str, Any]] = []
    report = {
        "format": FORMAT,
        "measured": _now(),
        "stopped": False,
        "emulated": False,
        "threads": plan.threads,
        "rounds": plan.rounds,
        "limits": dict(plan.limits),
        "images": _about_images(plan.images),
        "confidence": paired.CONFIDENCE,
        "hosts": found,
    }
    try:
        for host in hosts:
            found.append(
                {
                    "host": host,
                    "failed": "stopped",
                    "measured": None,
                    "emulated": None,
                    "here": None,
                    "there": None,
                    "rows": [],
                }
            )
            _compare(plan, found[-1], python)
    except KeyboardInterrupt:
        report["stopped"] = True
    report["emulated"] = any(entry["emulated"] for entry in found)
    return report


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Write a comparison, whole or not at all; without spaces, as most of it is samples.

    Raises:
        PiEdgeError: it cannot be written there.
    """
    text = json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        files.write_bytes(path, text.encode() + b"\n")
    except OSError as error:
        raise PiEdgeError(f"cannot write {path}: {error.strerror}") from error


def read(path: Path) -> dict[str, Any]:
    """A comparison that `write` wrote.

    Raises:
        NotFound: there is no such file.
        BadInput: it is no such comparison.
    """
    try:
        report = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}") from error
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise BadInput(f"{path} is no comparison of scripts/bench-over-ssh --json ({FORMAT!r})")
    return report


def _compare(plan: Plan, entry: dict[str, Any], python: str) -> None:
    """Fill in a host's part of the comparison."""
    measured = [_Measured(subject) for subject in plan.subjects]
    total = len(measured) * (1 + plan.rounds)
    try:
        with (
            ssh.connect(entry["host"]) as host,
            session.there(host, python) as there,
            session.here() as here,
            Progress(total) as progress,
        ):
            sides = {"here": here, "there": there}
            entry["measured"] = _now()
            entry["emulated"] = any(bool(side.machine["emulated"]) for side in sides.values())
            for name, side in sides.items():
                entry[name] = {"machine": side.machine, "before": None, "after": None}
            _supply(plan, sides.values())
            _conditions(entry, sides, "before")
            for one in measured:
                progress.next(f"{_named(one.subject)}: the same answers?")
                _ask_answers(one, plan, here, there)
                progress.say(f"{_named(one.subject)}: {_told(one)}")
            began = time.monotonic()
            for number_ in range(plan.rounds):
                for one in measured:
                    progress.next(f"{_named(one.subject)}, round {number_ + 1} of {plan.rounds}")
                    if not one.failed:
                        _measure(one, plan, here, there, began)
                    progress.say(_line(one, number_, plan))
            _conditions(entry, sides, "after")
            entry["failed"] = None
    except PiEdgeError as error:
        entry["failed"] = str(error)
    finally:
        entry["rows"] = [_row(one, plan) for one in measured if one.there]


def _supply(plan: Plan, sides: Iterable[Session]) -> None:
    with tempfile.TemporaryDirectory(prefix="pi-edge-") as folder:
        needed = {one.sha256: one.file for one in plan.subjects}
        needed |= {one.check_sha256: one.check for one in plan.subjects
                   if one.check and one.check_sha256}  # fmt: skip
        if plan.images:
            path = Path(folder) / "images.npz"
            path.write_bytes(plan.images.npz)
            needed[plan.images.sha256] = path
        for side in sides:
            side.supply(needed)


def _conditions(entry: dict[str, Any], sides: Mapping[str, Session], when: str) -> None:
    for name, side in sides.items():
        entry[name][when] = side.ask("conditions")


def _ask_answers(one: _Measured, plan: Plan, here: Session, there: Session) -> None:
    model = one.subject.asked(plan.threads)
    try:
        ours, theirs = (
            same_answers.unpack(side.ask("answers", model=model)) for side in (here, there)
        )
        one.agreement = same_answers.agreement(ours, theirs, one.subject.tolerance)
    except Lost:
        raise
    except PiEdgeError as error:
        one.agreement = same_answers.Agreement(None, "", one.subject.tolerance or 0, str(error))
        return
    if plan.images is None or one.subject.task != "digits":
        return
    try:
        read = [
            same_answers.unpack(side.ask("answers", model=model, images=plan.images.sha256))
            for side in (here, there)
        ]
    except Lost:
        raise
    except PiEdgeError:
        return  # a network for other images: it has no accuracy on these
    labels = plan.images.labels
    one.digits = {
        "accuracy": [float((side["digits"] == labels).mean()) for side in read],
        "disagreeing": int((read[0]["digits"] != read[1]["digits"]).sum()),
        "difference": same_answers.difference(read[0]["chances"], read[1]["chances"]),
    }


def _measure(one: _Measured, plan: Plan, here: Session, there: Session, began: float) -> None:
    wanted: dict[str, Any] = {
        "model": one.subject.asked(plan.threads),
        "limits": plan.limits,
        "samples": max(SAMPLES // plan.rounds, 1),
        "energy_seconds": ENERGY_SECONDS,
    }
    rows = []
    for side in (here, there):
        at = time.monotonic() - began
        rows.append(side.ask("measure", **wanted)["row"] | {"at_seconds": at})
    # Both or none: a round that one side lacks is none.
    one.here.append(rows[0])
    one.there.append(rows[1])


def _row(one: _Measured, plan: Plan) -> dict[str, Any]:
    subject, agreement = one.subject, one.agreement
    assert agreement is not None
    sides = {
        name: paired.summary(rounds) | {"accuracy": None, "rounds": [_figures(r) for r in rounds]}
        for name, rounds in (("here", one.here), ("there", one.there))
    }
    if one.digits:
        for side, accuracy in zip(sides.values(), one.digits["accuracy"], strict=True):
            side["accuracy"] = accuracy
    return {
        "model": subject.model,
        "task": subject.task,
        "variant": subject.variant,
        "threads": plan.threads,
        "bytes": subject.file.stat().st_size,
        "sha256": subject.sha256,
        "answers": asdict(agreement),
        "images": {key: one.digits[key] for key in ("disagreeing", "difference")}
        if one.digits
        else None,
        "ratio": None if one.failed else asdict(paired.ratio(one.here, one.there)),
        **sides,
    }


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    """A round's row without what all rounds have in common."""
    common = ("model", "variant", "threads", "bytes", "sha256")
    return {key: value for key, value in row.items() if key not in common}


def _about_images(images: DigitImages | None) -> dict[str, Any] | None:
    if images is None:
        return None
    return {"count": len(images.labels), "which": RULE, "sha256": images.sha256}


def _told(one: _Measured) -> str:
    assert one.agreement is not None
    if one.agreement.problem:
        return f"NOT the same answers: {one.agreement.problem}"
    return f"the same answers (at most {one.agreement.difference:.2g} apart)"


def _line(one: _Measured, round_: int, plan: Plan) -> str:
    name = f"{_named(one.subject)}, round {round_ + 1} of {plan.rounds}"
    if one.failed:
        return f"{name}: did not work"
    ours, theirs = (number(side[-1]["p50_ms"]) for side in (one.here, one.there))
    return f"{name}: here {ours} ms, there {theirs} ms"


def _named(subject: Subject) -> str:
    return f"{subject.model} {subject.variant}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
