"""What scripts/make-manual does: all commands' flags as a manual page and as completions."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import shtab

from pi_edge import __version__, files
from pi_edge.cli import COMMANDS, completion, module, parsing

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "man" / "pi-edge.1"

# Where models are: the shipped ones (pi-edge completion puts that folder in), one's own, and the
# service's.
_BASH = f"""
_pi_edge_models() {{
  local own=${{PI_EDGE_STATE:-${{XDG_STATE_HOME:-$HOME/.local/state}}/pi-edge}}/models
  local names
  names=$(command ls -1 {completion.MODELS} "$own" /var/lib/pi-edge/models 2>/dev/null |
    sed -e '/:$/d' -e '/^$/d' -e 's/\\.tflite$//' | sort -u)
  compgen -W "$names" -- "$1"
}}
"""
_ZSH = f"""
_pi_edge_models() {{
  local own=${{PI_EDGE_STATE:-${{XDG_STATE_HOME:-$HOME/.local/state}}/pi-edge}}/models
  local -a names
  names=({completion.MODELS}/*(N:t) $own/*(N:t) /var/lib/pi-edge/models/*(N:t))
  compadd -- ${{(u)names%.tflite}}
}}
"""
_FISH = f"""
function _pi_edge_models
  set -l own ~/.local/state/pi-edge
  test -n "$XDG_STATE_HOME"; and set own $XDG_STATE_HOME/pi-edge
  test -n "$PI_EDGE_STATE"; and set own $PI_EDGE_STATE
  command ls -1 {completion.MODELS} $own/models /var/lib/pi-edge/models 2>/dev/null |
    string match -rv ':$|^$' | string replace -r '\\.tflite$' '' | sort -u
end
"""
_MODELS = {
    "bash": "_pi_edge_models",
    "zsh": "_pi_edge_models",
    "fish": "(_pi_edge_models)",
    "preamble": {"bash": _BASH, "zsh": _ZSH, "fish": _FISH},
}
_OF_FILES = ("FILE", "PATH", "CSV", "PHOTO", "INPUT", "REPORT.json", "P", "OUT")
_OF_FOLDERS = ("DIR", "FOLDER")
_OF_MODELS = ("model", "MODEL", "NAME")


def whole(alone: bool = False) -> argparse.ArgumentParser:
    """One parser of all commands; a command's own commands are below it.

    Args:
        alone: a command that has some takes nothing else, as shtab's script for zsh wants it.
    """
    main = parsing.Parser(prog="pi-edge", description="Neural networks on a Raspberry Pi.")
    main.add_argument("--version", action="version", version=f"pi-edge {__version__}")
    places = {"": main.add_subparsers(metavar="COMMAND")}
    for name, text in COMMANDS.items():
        above, _, last = name.rpartition(" ")
        parser = places[above].add_parser(last, help=text)
        if any(other.startswith(f"{name} ") for other in COMMANDS):
            places[name] = parser.add_subparsers()
        parsing.command(name, module(name), parser)
        if name in places and alone:
            for action in [one for one in parser._actions if one.dest == "model"]:
                parser._remove_action(action)
    _mark(main)
    return main


def _mark(parser: argparse.ArgumentParser) -> None:
    """Say of each argument what completes it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _mark(below)
        elif action.choices or action.nargs == 0:
            continue
        elif (named := str(action.metavar or action.dest)) in _OF_FILES or action.type is Path:
            folder = named in _OF_FOLDERS
            action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined]
        elif named in _OF_FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif named in _OF_MODELS and (not action.option_strings or action.dest == "model"):
            action.complete = _MODELS  # type: ignore[attr-defined]


def page() -> str:
    """The manual page, in the macros of man(7)."""
    lines = [
        f'.TH PI-EDGE 1 "" "pi-edge {__version__}" "User Commands"',
        ".SH NAME",
        r"pi-edge \- neural networks on a Raspberry Pi, served and kept running",
        ".SH SYNOPSIS",
        ".B pi-edge",
        r".I COMMAND",
        "[argument ...]",
        ".br",
        ".B pi-edge",
        r".I COMMAND",
        r"\-\-help",
        ".SH DESCRIPTION",
        "Takes neural networks from a laptop to a Raspberry Pi and keeps them running there:",
        "trains and converts them, serves them over HTTP, measures them, lets them learn on the",
        "spot, and finds out what is wrong with the machine they run on.",
        ".SH COMMANDS",
    ]
    for name, text in COMMANDS.items():
        lines += [".TP", rf".B {_roff(name)}", _roff(text)]
    for name in COMMANDS:
        lines += _command(name)
    return "\n".join([*lines, *_END]) + "\n"


def _command(name: str) -> Iterator[str]:
    loaded = module(name)
    parser = parsing.command(name, loaded)
    yield f'.SH "pi-edge {name}"'
    yield _roff(" ".join((loaded.__doc__ or "").split()))
    before = parser.epilog.partition("examples:\n")[0].strip()
    yield from _arguments(parser)
    if before:
        yield ".PP"
        yield _roff(" ".join(before.split()))
    yield from (".PP", "Examples:", ".PP", ".nf", ".RS")
    yield from map(_roff, loaded.EXAMPLES.strip().splitlines())
    yield from (".RE", ".fi")


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            told = {choice.dest: choice.help for choice in action._choices_actions}
            for word, below in action.choices.items():
                yield f'.SS "{_roff(parser.prog)} {_roff(word)}"'
                yield _roff(told[word] or "")
                yield from _arguments(below)
        elif action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction):
            yield ".TP"
            yield _signature(action)
            yield _roff(parser._get_formatter()._expand_help(action) if action.help else "\\&")


def _signature(action: argparse.Action) -> str:
    default = action.dest.upper() if action.option_strings else action.dest
    metavar = action.metavar or ("" if action.nargs == 0 else default)
    shown = rf"\fI{_roff(str(metavar))}\fR" if metavar and action.nargs != 0 else ""
    if action.choices and not action.metavar:
        shown = _roff("|".join(map(str, action.choices)))
    if not action.option_strings:
        return shown
    flags = ", ".join(rf"\fB{_roff(flag)}\fR" for flag in action.option_strings)
    return f"{flags} {shown}".rstrip()


def _roff(text: str) -> str:
    """Text as roff wants it (groff(7), groff_char(7))."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti")
    text = text.replace("^", r"\(ha").replace("`", r"\(ga")
    return re.sub(r"^([.'])", r"\\&\1", text)


_END = r"""
.SH "EXIT STATUS"
.TP
.B 0
It worked; with
.BR doctor ,
nothing failed.
.TP
.B 1
It did not work; one line on standard error says why and what to do.
.TP
.B 2
Wrong usage.
.TP
.B 130
It was stopped by Ctrl\-C.
.SH ENVIRONMENT
.TP
.BR PI_EDGE_STATE ", " PI_EDGE_PORT ", " ...
Every setting of
.B pi-edge serve
can stand in the environment; flags win over it, it wins over the file.
.TP
.B NO_COLOR
If set and not empty, nothing is coloured. On what is no terminal nothing is, ever.
.SH FILES
.TP
.I /etc/pi\-edge/config.toml
Settings, one a line.
.TP
.I \(ti/.local/state/pi\-edge
State: models of your own, and what must outlive a restart.
.TP
.I /var/lib/pi\-edge
The same of the service.
.SH "SEE ALSO"
.BR systemctl (1),
.BR journalctl (1)
""".strip().splitlines()


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    for shell in completion.SHELLS:
        script = shtab.complete(whole(alone=shell == "zsh"), shell)
        # The first word behind bench may be either.
        either = "{_shtab_pi_edge_bench_commands; _pi_edge_models}"
        script = script.replace("': :_shtab_pi_edge_bench_commands'", f"': :{either}'")
        counted = "_shtab_pi_edge_using bench; and test $_shtab_pi_edge_npos -ge"
        script = script.replace(f"{counted} 1", f"{counted} 0")
        later = "_shtab_pi_edge_bench_pos_1_COMPGEN=_pi_edge_models"
        script = script.replace(later, f"{later}\n{later.replace('pos_1', 'pos_0')}")
        files.write_bytes(completion.FOLDER / f"pi-edge.{shell}", script.encode())
    files.write_bytes(PAGE, page().encode())
    for path in (PAGE, *sorted(completion.FOLDER.iterdir())):
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
