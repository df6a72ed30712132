"""What two machines are compared by: one model's variant, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pi_edge import catalog, files
from pi_edge.benchmark import paired, suite
from pi_edge.benchmark.same_answers import Agreement
from pi_edge.benchmark.table import number


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

    def __str__(self) -> str:
        return f"{self.model} {self.variant}"

    def asked(self, threads: int) -> dict[str, Any]:
        """It as the worker is asked for it."""
        return {
            "model": self.model,
            "variant": self.variant,
            "file": self.sha256,
            "check": self.check_sha256,
            "threads": threads,
        }

    def files(self) -> dict[str, Path]:
        """What a machine needs, by SHA-256."""
        needed = {self.sha256: self.file}
        if self.check and self.check_sha256:
            needed[self.check_sha256] = self.check
        return needed


@dataclass
class Findings:
    """What is known of a subject so far.

    Attributes:
        agreement: whether the answers are the same.
        digits: of the test images the ``accuracy`` here and there, how many are read differently
            (``disagreeing``) and the largest ``difference`` of their chances; empty where the model
            reads none.
        here, there: one row a round.
    """

    subject: Subject
    agreement: Agreement | None = None
    digits: Mapping[str, Any] = field(default_factory=dict)
    here: list[dict[str, Any]] = field(default_factory=list)
    there: list[dict[str, Any]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether it did not work on either machine."""
        return any(row["error"] is not None for row in self.here + self.there)

    def add(self, here: dict[str, Any], there: dict[str, Any]) -> None:
        """One round; a round that one side lacks is none."""
        self.here.append(here)
        self.there.append(there)

    def told(self) -> str:
        """Whether the answers are the same, in a few words."""
        assert self.agreement is not None
        if self.agreement.problem:
            return f"NOT the same answers: {self.agreement.problem}"
        return f"the same answers (at most {self.agreement.difference:.2g} apart)"

    def last(self) -> str:
        """The last round in a few words."""
        if self.failed:
            return "did not work"
        ours, theirs = (number(side[-1]["p50_ms"]) for side in (self.here, self.there))
        return f"here {ours} ms, there {theirs} ms"

    def row(self, threads: int) -> dict[str, Any]:
        """It as the comparison's file has it; at least one round is done."""
        subject, agreement = self.subject, self.agreement
        assert agreement is not None
        accuracy = self.digits.get("accuracy", (None, None))
        here, there = (
            paired.summary(rounds)
            | {"accuracy": right, "rounds": [_without_common(row) for row in rounds]}
            for rounds, right in zip((self.here, self.there), accuracy, strict=True)
        )
        images = {key: self.digits[key] for key in ("disagreeing", "difference") if self.digits}
        return {
            "model": subject.model,
            "task": subject.task,
            "variant": subject.variant,
            "threads": threads,
            "bytes": subject.file.stat().st_size,
            "sha256": subject.sha256,
            "answers": asdict(agreement),
            "images": images or None,
            "ratio": None if self.failed else asdict(paired.ratio(self.here, self.there)),
            "here": here,
            "there": there,
        }


def choose(
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
        # A bare file lies among others, whose check.npz it would be.
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


def _without_common(row: Mapping[str, Any]) -> dict[str, Any]:
    """A round's row without what all rounds have in common."""
    common = ("model", "variant", "threads", "bytes", "sha256")
    return {key: value for key, value in row.items() if key not in common}
