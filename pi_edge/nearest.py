"""What somebody may have meant who wrote a name that there is not."""

from __future__ import annotations

from collections.abc import Iterable

# Longer names, and longer lists, are nobody's typing error; looking through them would take long.
_LONGEST, _MOST = 100, 1000


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of ``known`` that is most like ``name``; "" where none is like it."""
    known = list(known)
    if len(name) > _LONGEST or len(known) > _MOST:
        return ""
    import difflib  # here: few names are wrong

    low = {one.lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), low, n=1)
    return low[found[0]] if found else ""


def instead(name: str, known: Iterable[str], others: str) -> str:
    """The end of a line about a name that there is not: the nearest one, or all there are.

    Args:
        others: what comes before all there are, as in "it has".
    """
    known = list(known)
    if near := nearest(name, known):
        return f": did you mean {near!r}?"
    return f"; {others} {', '.join(known) or 'none'}"


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The whole line about it.

    >>> unknown("model", "mnist-cmn", ["mnist-cnn", "style"])
    "there is no model 'mnist-cmn': did you mean 'mnist-cnn'?"
    """
    return f"there is no {what} {name!r}{instead(name, known, 'there are')}"
