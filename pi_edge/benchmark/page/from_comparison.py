"""What ``scripts/bench-over-ssh --json`` wrote, as figures: this machine beside each host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pi_edge.benchmark.over_ssh import FORMAT as FORMAT
from pi_edge.benchmark.page import facts
from pi_edge.benchmark.page.figures import Beside, Comparison, Key, Machine, Measured, Ratio
from pi_edge.benchmark.page.from_bench import EMULATED, key, measured
from pi_edge.benchmark.values import at_least_zero, positive, text

SIDES = ("here", "there")

Told = Mapping[str, Any]
Side = tuple[Machine, dict[Key, Measured]]


def hosts(first: int, document: Told) -> tuple[list[Side], list[Comparison], list[str]]:
    """Two machines a host, each with what it measured; the two beside each other; remarks.

    Args:
        first: index of the first machine, for its letter.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the document is damaged.
    """
    sides: list[Side] = []
    comparisons, remarks = [], []
    if document["stopped"]:
        remarks.append("measuring was stopped before its end")
    count = int(document["images"]["count"]) if document["images"] else None
    for host in document["hosts"]:
        if host["failed"] is not None:
            remarks.append(text(f"{host['host']}: {host['failed']}"))
        if not host["rows"]:
            continue
        pair = [
            (_machine(first + len(sides) + i, host, side), _measured(host, side, count))
            for i, side in enumerate(SIDES)
        ]
        sides += pair
        comparisons.append(_comparison(pair[0][0], pair[1][0], host))
    return sides, comparisons, remarks


def _machine(index: int, host: Told, side: str) -> Machine:
    told = host[side]
    return facts.machine(
        index,
        {
            "machine": told["machine"],
            "emulated": told["machine"]["emulated"],
            # A host that was lost on the way has no condition after it.
            "before": told["before"] or dict.fromkeys(facts.CONDITIONS),
            "after": told["after"] or dict.fromkeys(facts.CONDITIONS),
            "measured": host["measured"],
        },
        host=host["host"] if side == "there" else "",
        meters={row[side].get("energy_source") for row in host["rows"]},
    )


def _measured(host: Told, side: str, images: int | None) -> dict[Key, Measured]:
    return {key(row): _side(row, side, images) for row in host["rows"]}


def _side(row: Told, side: str, images: int | None) -> Measured:
    told = row[side]
    accuracy, joules = told["accuracy"], told.get("joules")
    samples = [ns for one in told["rounds"] for ns in one.get("samples_ns") or ()]
    return measured(
        {**told, "bytes": row["bytes"]},
        samples_ms=tuple(positive(ns) / 1e6 for ns in samples),
        accuracy=None if accuracy is None else at_least_zero(accuracy),
        images=None if accuracy is None else images,
        joules=None if joules is None else positive(joules),
    )


def _comparison(here: Machine, there: Machine, host: Told) -> Comparison:
    emulated = here.emulated or there.emulated
    lines = {}
    for row in host["rows"]:
        answers, images = row["answers"], row["images"]
        ratio = None if emulated else _ratio(row)
        why = EMULATED if emulated else "no ratio: it did not work on both"
        apart = answers["difference"]
        lines[key(row)] = Beside(
            ratio=ratio,
            why_not="" if ratio else why,
            compared=True,
            difference=None if apart is None else at_least_zero(apart),
            tolerance=at_least_zero(answers["tolerance"]),
            problem=text(answers["problem"]),
            disagreeing=int(images["disagreeing"]) if images else None,
        )
    return Comparison(here, there, lines)


def _ratio(row: Told) -> Ratio | None:
    told = row["ratio"]
    if told is None:
        return None
    ends = told["low"], told["high"]
    # One round does not know how far rounds are apart.
    if len(row["there"]["rounds"]) < 2 or None in ends:
        return Ratio(positive(told["value"]))
    return Ratio(positive(told["value"]), positive(ends[0]), positive(ends[1]))
