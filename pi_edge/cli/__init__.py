"""The ``pi-edge`` command. Each subcommand is one module of this package, imported when asked
for: its docstring is its help, ``EXAMPLES`` stand below it, ``add_arguments`` declares its flags,
``run`` does it."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from pi_edge import __version__, terminal
from pi_edge.cli import parsing
from pi_edge.errors import PiEdgeError, WrongUsage

COMMANDS = {
    "serve": "run the daemon",
    "predict": "one answer without a daemon",
    "stylize": "photos in the style of a painting",
    "bench": "measure the models on this machine",
    "bench report": "show what was measured: HTML, picture, Markdown",
    "bench history": "show figures over releases, flag what became worse",
    "tune": "find out how each model runs fastest here",
    "models": "list, show or verify the models",
    "examples": "digits that were put right: list, export or remove them",
    "status": "what the running daemon says",
    "doctor": "what is wrong on this machine, and the command that mends it",
    "train": "train a model family on a desktop",
    "convert": "convert trained networks to TFLite and measure them",
    "verify": "measure a model again and compare with its model.json",
    "learn": "let a model learn on this machine",
    "watch": "do each new file in a folder",
    "camera": "look at what a camera sees",
    "button": "a push button takes a picture, a model looks at it",
    "plot": "draw what a model family learned, beside what came",
    "completion": "print the script that completes commands in a shell",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand. Returns 0 fine, 1 it did not work, 2 wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # The longest name wins: a command may have commands of its own.
    count = next((n for n in (2, 1) if " ".join(arguments[:n]) in COMMANDS), 0)
    if not count:
        _overview().parse_args(arguments)
        return 2
    name = " ".join(arguments[:count])
    command = module(name)
    args = parsing.command(name, command).parse_args(arguments[count:])
    try:
        quiet = getattr(args, "quiet", False)
        terminal.silence(quiet)
        with terminal.quiet_if(quiet and name in parsing.TELL_ALL):
            return int(command.run(args))
    except PiEdgeError as error:
        print(f"pi-edge: {error}", file=sys.stderr)
        return 2 if isinstance(error, WrongUsage) else 1
    except KeyboardInterrupt:
        print("pi-edge: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader went away (| head): nothing more to say, and nowhere to say it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        # A full disk, a folder that may not be written: whatever was to be done there.
        if error.strerror is None:
            raise
        where = f"{error.filename}: " if error.filename is not None else ""
        print(f"pi-edge: {where}{error.strerror}", file=sys.stderr)
        return 1


def module(name: str) -> ModuleType:
    """The module of a command: "bench report" is bench_report."""
    return importlib.import_module(f"pi_edge.cli.{name.replace(' ', '_')}")


def _overview() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:13} {text}" for name, text in COMMANDS.items())
    parser = parsing.Parser(
        prog="pi-edge",
        description="Neural networks on a Raspberry Pi, served and kept running.",
        epilog=f"commands:\n{lines}\n\npi-edge COMMAND --help says more.",
    )
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    parser.add_argument("--version", action="version", version=f"pi-edge {__version__}")
    return parser
