"""Print the script that completes pi-edge's commands, flags, files and models in a shell: bash, zsh
or fish. Where it goes is shown below."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from pi_edge import config
from pi_edge.errors import BadInput

EXAMPLES = """\
pi-edge completion bash >~/.local/share/bash-completion/completions/pi-edge
pi-edge completion zsh >~/.zfunc/_pi-edge      # a folder of $fpath
pi-edge completion fish >~/.config/fish/completions/pi-edge.fish
"""

SHELLS = ("bash", "zsh", "fish")
FOLDER = Path(__file__).with_name("completions")
# Stands in the scripts for the folder of shipped models.
MODELS = "@MODELS@"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")
    parser.add_argument("--models", metavar="DIR", help="the folder of shipped models to look in")


def run(args: argparse.Namespace) -> int:
    models = str(config.load({"models": args.models}).models.absolute())
    if not models.isprintable():
        raise BadInput(f"{models!r} cannot stand in a shell's script")
    script = (FOLDER / f"pi-edge.{args.shell}").read_text()
    sys.stdout.write(script.replace(MODELS, shlex.quote(models)))
    return 0
