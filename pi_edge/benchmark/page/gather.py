"""From files of either format to what the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pi_edge.benchmark import suite, values
from pi_edge.benchmark.page import from_bench, from_comparison
from pi_edge.benchmark.page.figures import Comparison, Key, Machine, Measured, Page
from pi_edge.benchmark.training import Training
from pi_edge.errors import BadInput


def page(paths: Sequence[Path], trainings: Sequence[Training] = ()) -> Page:
    """Read the files, in this order.

    Of those by ``pi-edge bench`` the first is put beside each other one; those by
    ``scripts/bench-over-ssh`` bring their pairs with them.

    Raises:
        NotFound: a file is not there.
        BadInput: one is no report, or a damaged one, or nothing was measured.
    """
    machines: list[Machine] = []
    lines: dict[Key, dict[str, Measured]] = {}
    comparisons: list[Comparison] = []
    remarks: list[str] = []
    first: tuple[Machine, Mapping[str, Any]] | None = None
    for path in paths:
        document = values.load(path)
        kind = document.get("format")
        with values.reading(path):
            if kind == suite.FORMAT:
                sides = [from_bench.machine(len(machines), document)]
                if first is None:
                    first = sides[0][0], document
                else:
                    there = sides[0][0], document
                    comparisons.append(from_bench.comparison(first, there))
            elif kind == from_comparison.FORMAT:
                sides, pairs, more = from_comparison.hosts(len(machines), document)
                comparisons += pairs
                remarks += more
            else:
                raise BadInput(
                    f"{path} is no report of pi-edge bench --json or scripts/bench-over-ssh --json"
                )
        for machine, measured in sides:
            machines.append(machine)
            for key, one in measured.items():
                lines.setdefault(key, {})[machine.letter] = one
    if not lines:
        raise BadInput("; ".join(["nothing was measured: nothing to show", *remarks]))
    return Page(tuple(machines), lines, tuple(comparisons), tuple(trainings), tuple(remarks))
