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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pi_edge import files
from pi_edge.benchmark import paired, same_answers, session
from pi_edge.benchmark.digit_images import RULE, DigitImages
from pi_edge.benchmark.progress import Progress
from pi_edge.benchmark.session import Lost, Session
from pi_edge.benchmark.subject import Findings, Subject
from pi_edge.deploy import ssh
from pi_edge.errors import BadInput, NotFound, PiEdgeError

FORMAT = "pi-edge comparison 1"

ROUNDS = 5

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
class Plan:
    """What to measure, and how.

    Attributes:
        rounds: None: ROUNDS, or one where the host is emulated, which takes long and tells little.
        images: what digits models read for their accuracy; None where there are none.
        limits: fields of measure.Limits that differ from its defaults.
    """

    subjects: Sequence[Subject]
    threads: int = 1
    rounds: int | None = None
    images: DigitImages | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: dict(LIMITS))


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
        "rounds": plan.rounds or ROUNDS,
        "limits": dict(plan.limits),
        "images": None
        if plan.images is None
        else {"count": len(plan.images.labels), "which": RULE, "sha256": plan.images.sha256},
        "confidence": paired.CONFIDENCE,
        "hosts": found,
    }
    try:
        for host in hosts:
            unknown = dict.fromkeys(("measured", "emulated", "here", "there"))
            rounds = plan.rounds or ROUNDS
            found.append(
                {"host": host, "failed": "stopped", "rounds": rounds, **unknown, "rows": []}
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
    """Fill in a host's part of the comparison, as far as it comes."""
    found = [Findings(subject) for subject in plan.subjects]
    try:
        with (
            ssh.connect(entry["host"]) as host,
            session.there(host, python) as there,
            session.here() as here,
        ):
            _introduce(plan, entry, here, there)
            _supply(plan, (here, there))
            _conditions(entry, here, there, "before")
            with Progress(len(found) * (1 + entry["rounds"])) as progress:
                for one in found:
                    progress.next(f"{one.subject}: the same answers?")
                    _ask_answers(one, plan, here, there)
                    progress.say(f"{one.subject}: {one.told()}")
                _take_turns(found, plan, entry["rounds"], here, there, progress)
            _conditions(entry, here, there, "after")
        entry["failed"] = None
    except PiEdgeError as error:
        entry["failed"] = str(error)
    finally:
        entry["rows"] = [one.row(plan.threads) for one in found if one.there]


def _introduce(plan: Plan, entry: dict[str, Any], here: Session, there: Session) -> None:
    entry["measured"] = _now()
    entry["emulated"] = bool(here.machine["emulated"] or there.machine["emulated"])
    entry["rounds"] = plan.rounds or (1 if entry["emulated"] else ROUNDS)
    for name, side in (("here", here), ("there", there)):
        entry[name] = {"machine": side.machine, "before": None, "after": None}


def _supply(plan: Plan, sides: Iterable[Session]) -> None:
    with tempfile.TemporaryDirectory(prefix="pi-edge-") as folder:
        needed: dict[str, Path] = {}
        for subject in plan.subjects:
            needed |= subject.files()
        if plan.images:
            needed[plan.images.sha256] = Path(folder) / "images.npz"
            needed[plan.images.sha256].write_bytes(plan.images.npz)
        for side in sides:
            side.supply(needed)


def _conditions(entry: dict[str, Any], here: Session, there: Session, when: str) -> None:
    for name, side in (("here", here), ("there", there)):
        entry[name][when] = side.ask("conditions")


def _ask_answers(one: Findings, plan: Plan, here: Session, there: Session) -> None:
    wanted: dict[str, Any] = {"model": one.subject.asked(plan.threads)}
    if plan.images and one.subject.task == "digits":
        wanted["images"] = plan.images.sha256
    tolerance = one.subject.tolerance
    try:
        ours, theirs = (
            same_answers.unpack(side.ask("answers", **wanted)) for side in (here, there)
        )
    except Lost:
        raise
    except PiEdgeError as error:
        one.agreement = same_answers.Agreement(None, "", tolerance or 0.0, str(error))
        return
    one.agreement = same_answers.agreement(ours, theirs, tolerance)
    if plan.images and "digits" in ours and "digits" in theirs:
        labels = plan.images.labels
        one.digits = {
            "accuracy": [float((side["digits"] == labels).mean()) for side in (ours, theirs)],
            "disagreeing": int((ours["digits"] != theirs["digits"]).sum()),
            "difference": same_answers.difference(ours["chances"], theirs["chances"]),
        }


def _take_turns(
    found: Sequence[Findings],
    plan: Plan,
    rounds: int,
    here: Session,
    there: Session,
    progress: Progress,
) -> None:
    began = time.monotonic()
    for turn in range(1, rounds + 1):
        for one in found:
            name = f"{one.subject}, round {turn} of {rounds}"
            progress.next(name)
            # What did not work will not work the next time.
            if not one.failed:
                one.add(*(_measure(one.subject, plan, side, began) for side in (here, there)))
            progress.say(f"{name}: {one.last()}")


def _measure(subject: Subject, plan: Plan, side: Session, began: float) -> dict[str, Any]:
    at = time.monotonic() - began
    told = side.ask(
        "measure",
        model=subject.asked(plan.threads),
        limits=plan.limits,
        samples=max(SAMPLES // (plan.rounds or ROUNDS), 1),
        energy_seconds=ENERGY_SECONDS,
    )
    return {**told["row"], "at_seconds": at}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
