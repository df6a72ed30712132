"""argparse as all commands use it: the nearest word is named where one is unknown, and examples
keep their lines."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from types import ModuleType

from pi_edge.nearest import nearest

TYPE_CHECKING = False  # as in pi_edge/terminal.py
if TYPE_CHECKING:
    from typing import Any

# Commands that say how far they are, or what they did, which --quiet leaves out; of the second all
# that is on stdout is that.
TELL_PROGRESS = ("bench", "tune", "stylize")
TELL_ALL = ("train", "convert", "learn", "verify", "plot", "bench report")


class Formatter(argparse.HelpFormatter):
    """Fills paragraphs, and leaves those alone that are indented."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if len(text) <= width and "\n" not in text:
            return text
        import textwrap  # here: few ask for help

        return "\n\n".join(
            part
            if part.startswith(" ") or "\n  " in part
            else textwrap.fill(" ".join(part.split()), width, break_on_hyphens=False)
            for part in text.strip("\n").split("\n\n")
        )


class Parser(argparse.ArgumentParser):
    """Names what may have been meant."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", Formatter)
        super().__init__(**settings)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        known, left = self.parse_known_args(args, namespace)
        if left:
            flags = [*self._option_string_actions, *_flags_below(self)]
            known = {flag.lstrip("-"): flag for flag in flags if flag.startswith("--")}
            mistyped = (word.partition("=")[0][2:] for word in left if word.startswith("--"))
            meant = next((known[near] for word in mistyped if (near := nearest(word, known))), "")
            self.error(f"unrecognized arguments: {' '.join(left)}{_hint(meant)}")
        return known

    def error(self, message: str) -> Any:
        pattern = r"invalid choice: '?(.*?)'? \(choose from (.*)\)$"
        if found := re.search(pattern, message, re.DOTALL):
            choices = [choice.strip(" '\"") for choice in found[2].split(",")]
            message += _hint(nearest(found[1], choices))
        super().error(message)


def command(name: str, module: ModuleType, parser: argparse.ArgumentParser | None = None) -> Any:
    """The parser of a command.

    Args:
        name: "bench", "bench report", ...
        module: its module of pi_edge.cli.
        parser: to declare it in, instead of a new one.
    """
    parser = parser or Parser(prog=f"pi-edge {name}", description=module.__doc__)
    module.add_arguments(parser)
    if name in TELL_PROGRESS + TELL_ALL:
        parser.add_argument(
            "-q", "--quiet", action="store_true", help="no progress and no remarks, only errors"
        )
    examples = "\n".join(f"  {line}" for line in module.EXAMPLES.strip().splitlines())
    parser.epilog = "\n\n".join(filter(None, [parser.epilog, f"examples:\n{examples}"]))
    return parser


def _hint(meant: str) -> str:
    return f": did you mean {meant}?" if meant else ""


def _flags_below(parser: argparse.ArgumentParser) -> Sequence[str]:
    """The flags of the commands of its own that a command has."""
    return [
        flag
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for below in action.choices.values()
        for flag in below._option_string_actions
    ]
