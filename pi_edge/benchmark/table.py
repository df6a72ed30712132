"""Figures for people: numbers of three digits, in aligned columns of plain text."""

from __future__ import annotations

from collections.abc import Sequence

WIDEST_NAME = 16

# Columns of words; the others hold figures.
LEFT = {
    "model",
    "variant",
    "machine",
    "note",
    "server",
    "load",
    "goal",
    "how",
    "picture",
    "program",
}


def number(value: float) -> str:
    """Three figures that count, and no more digits than a column holds.

    >>> [number(x) for x in (0.02345, 1.5, 45.678, 39123.4)]
    ['0.0234', '1.50', '45.7', '39123']
    """
    value = float(value)
    for limit, digits in ((0.1, 4), (1, 3), (10, 2), (100, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def short(name: str) -> str:
    """A name that fits its column."""
    return name if len(name) <= WIDEST_NAME else name[: WIDEST_NAME - 1] + "…"


def table(headers: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two lines of headers; names to the left, figures to the right."""
    lines = [*([header[i] for header in headers] for i in (0, 1)), *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    left = {i for i, header in enumerate(headers) if header[1] in LEFT}
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
