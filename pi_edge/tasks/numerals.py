"""Numbers as people and spreadsheets write them: 1234.5, 1,234.5, 1.234,5, 1 234,5, $1,234.50."""

from __future__ import annotations

import re
from collections.abc import Iterable

# A comma that can only be a decimal comma, or only a thousands separator.
_DECIMAL_COMMA = re.compile(r"[^\d.,]*\d+(\.\d{3})*,(\d{1,2}|\d{4,})\D*|\D*\d+(\.\d{3})+,\d+\D*")
_GROUPING_COMMA = re.compile(r"\D*\d{1,3}(,\d{3})+(\.\d*)?\D*")
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
}
_CURRENCY = "$€£¥"
_DIGIT_SPACES = re.compile(r"(?<=\d)[ '’\u00a0\u202f](?=\d{3}(?!\d))")


def to_float(cell: str, decimal: str = ".") -> float | None:
    """The number that ``cell`` spells, None where it spells none; may be infinite or NaN.

    Knows thousands separators (1,234.5; 1.234,5 where ``decimal`` is a comma; 1 234.5; 1'234.5)
    and a currency sign before or after.
    """
    try:
        if "_" not in cell and not (decimal == "," and _GROUPED[","].fullmatch(cell)):
            return float(cell)
    except ValueError:
        pass
    cell = _DIGIT_SPACES.sub("", cell.strip(_CURRENCY).strip())
    if decimal == "." and _GROUPED["."].fullmatch(cell):
        cell = cell.replace(",", "")
    elif decimal == ",":
        if _GROUPED[","].fullmatch(cell):
            cell = cell.replace(".", "")
        if "." not in cell:
            cell = cell.replace(",", ".")
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def decimal(rows: Iterable[Iterable[str]], separator: str) -> str:
    """ "." or ",": the decimal mark of a table whose cells ``separator`` divides.

    Told by the first number that can be read in one way only; else by the separator.
    """
    found = False
    for row in rows:
        for cell in row:
            if "," in cell and len(cell) < 40:
                cell = _DIGIT_SPACES.sub("", cell)
                if _DECIMAL_COMMA.fullmatch(cell):
                    return ","
                if _GROUPING_COMMA.fullmatch(cell):
                    if "." in cell or cell.count(",") > 1:
                        return "."
                    found = True
    return "," if found and separator in ";\t" else "."
