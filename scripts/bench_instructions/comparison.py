"""Counts beside those known, and as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

KNOWN = Path(__file__).parents[2] / "docs" / "instructions.json"
"""Counts that later ones are compared with, by bits: {"versions": {...}, "rows": {row: count}}."""

ALLOWED = 0.02
"""A row may cost this part more before it counts as worse."""

_PATHS = ("bare", "Model", "task", "JSON", "binary")


class Changes(NamedTuple):
    """What has changed, a line each, and whether anything costs more than is allowed."""

    told: list[str]
    worse: bool


def changes(before: Mapping[str, int], now: Mapping[str, int]) -> Changes:
    """``now`` beside ``before``: instructions by row. What is in one alone is no change."""
    told, worse = [], 0
    for row, count in now.items():
        known = before.get(row)
        if known is None:
            told.append(f"new: {row}, {count:,} instructions")
        elif abs(count - known) > ALLOWED * known:
            worse += count > known
            word = "WORSE" if count > known else "better"
            told.append(f"{word}: {row}, {count:,} instructions, {count / known - 1:+.1%}")
    if not told:
        told.append(f"no row of {len(now)} differs by more than {ALLOWED:.0%}")
    return Changes(told, worse > 0)


def table(bits: int, counts: Mapping[str, int], versions: Mapping[str, str]) -> str:
    """Counts in thousands, a line a model's variant, then the other rows in millions."""
    title = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        f"{bits} bit: {title}",
        f"{'thousands of instructions':26}" + "".join(f"{path:>12}" for path in _PATHS),
    ]
    subjects = dict.fromkeys(row.rpartition(" ")[0] for row in counts if "/" in row)
    for subject in subjects:
        cells = (counts.get(f"{subject} {path}") for path in _PATHS)
        shown = "".join(f"{'-' if cell is None else f'{cell / 1e3:,.0f}':>12}" for cell in cells)
        lines.append(f"{subject:26}{shown}")
    others = [(row, count) for row, count in counts.items() if "/" not in row]
    lines += [f"{row:34} {count / 1e6:12,.1f} million" for row, count in others]
    return "\n".join(lines)
