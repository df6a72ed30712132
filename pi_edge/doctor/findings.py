"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One line of what is told.

    Attributes:
        level: ok, warn or fail.
        text: what was found.
        command: what is typed into a shell to mend it; "" where nothing is to be mended, or no
            command can.
        words: what mends it where no command can.
    """

    level: str
    text: str
    command: str = ""
    words: str = ""


def ok(text: str) -> Finding:
    return Finding(OK, text)


def warn(text: str, command: str = "", words: str = "") -> Finding:
    return Finding(WARN, text, command, words)


def fail(text: str, command: str = "", words: str = "") -> Finding:
    return Finding(FAIL, text, command, words)
