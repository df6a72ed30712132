"""The reference of commands, from the parsers of pi_edge.cli."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator, Sequence

from pi_edge.cli import COMMANDS

INTRODUCTION = """# Commands

Made from the commands themselves by `scripts/docs --update`; `pi-edge COMMAND --help` says the
same. Exit codes: 0 fine, 1 it did not work, 2 wrong usage. What is wrong is one line on standard
error.
"""


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of one of COMMANDS, as pi-edge makes it."""
    module = importlib.import_module(f"pi_edge.cli.{name.replace(' ', '_').replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"pi-edge {name}", description=module.__doc__)
    module.add_arguments(parser)
    return parser


def page() -> str:
    """All commands as one Markdown page."""
    index = ["| command | what |", "|---|---|"]
    for name, what in COMMANDS.items():
        index.append(f"| [`pi-edge {name}`](#pi-edge-{name.replace(' ', '-')}) | {_cell(what)} |")
    parts = [INTRODUCTION, "\n".join(index) + "\n"]
    for name in COMMANDS:
        parts += _sections(parser_of(name), 2)
    return "\n".join(parts)


def _sections(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    yield f"{'#' * level} {parser.prog}\n"
    if parser.description:
        yield " ".join(_text(parser.description).split()) + "\n"
    yield f"```text\n{usage(parser)}\n```\n"
    rows = [row for action in parser._actions if (row := _row(action))]
    if any(default for _, _, default in rows):
        yield _table(["argument", "what", "default"], rows)
    elif rows:
        yield _table(["argument", "what"], [row[:2] for row in rows])
    if parser.epilog:
        yield " ".join(_text(parser.epilog).split()) + "\n"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help for choice in action._choices_actions}
            for name, child in action.choices.items():
                child.description = child.description or told.get(name)
                yield from _sections(child, level + 1)


def usage(parser: argparse.ArgumentParser) -> str:
    """One line: required flags and positional arguments spelled out, the other flags as such."""
    words = [parser.prog]
    optional = False
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        if action.option_strings:
            if action.required:
                words.append(_spelled(action, action.option_strings[0]))
            optional = optional or not action.required
    if optional:
        words.append("[FLAGS]")
    for action in parser._actions:
        if not action.option_strings:
            words.append(_placed(action))
    return " ".join(words)


def _table(heading: list[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _row(action: argparse.Action) -> tuple[str, str, str] | None:
    if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
        return None
    if action.help == argparse.SUPPRESS:
        return None
    if action.option_strings:
        # Long names last, as people read them.
        name = ", ".join(
            f"`{_spelled(action, option)}`" for option in sorted(action.option_strings, key=len)
        )
    else:
        name = f"`{_placed(action)}`"
    told = _text(action.help or "") % {"default": action.default} if action.help else ""
    if action.choices:
        told += f"{'; ' if told else ''}one of {', '.join(map(str, action.choices))}"
    shown = "" if action.default in (None, False, "", argparse.SUPPRESS, []) else action.default
    if action.required and action.option_strings:
        shown = "required"
    return name, told, f"`{shown}`" if shown != "" else ""


def _spelled(action: argparse.Action, option: str) -> str:
    if action.nargs == 0:
        return option
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    return f"{option} {value}"


def _placed(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest.upper())
    return {"+": f"{name}...", "*": f"[{name}...]", "?": f"[{name}]"}.get(str(action.nargs), name)


def _text(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
