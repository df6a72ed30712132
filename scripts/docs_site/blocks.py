"""The command blocks of README.md and docs/: where they are, how they are run, what can be checked
without running them.

A block is fenced as `sh` or, where its output is shown with it, as `console` (its lines after "$ "
are the commands). A comment in the line above tells how it is run:

    (none)                      run, beside a daemon at http://127.0.0.1:8080, in a fresh clone
    <!-- block: serves -->      starts that daemon: started, waited for, stopped
    <!-- block: slow -->        needs TensorFlow, or minutes: run by scripts/docs --slow
    <!-- block: pi -->          needs a Raspberry Pi, systemd or another host: checked, not run
    <!-- block: shown: why -->  not run here for this reason: checked

Commands in an indented block, without a fence, are "loose", which is a problem: nobody would run
them.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docs_site.commands import parser_of
from pi_edge.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = ("run", "serves", "slow", "pi", "shown", "loose")
_MARK = re.compile(r"\s*<!-- block: (\w+)(?:: (.+?))? -->")
_FENCE = re.compile(r"(\s*)```(\w*)")
_LOOSE = re.compile(
    r"    (\$ |(pi-edge(?!:)|curl|sudo|git|ssh|systemctl|journalctl)\b|scripts/|\.venv/)"
)
_CONTROL = re.compile(r"[;&|()<>]+")


@dataclass(frozen=True)
class Block:
    """One block of commands.

    Attributes:
        page: its file, from the checkout's root.
        line: of its first command, from 1.
        kind: one of KINDS.
        why: why it is not run, where it says so.
        text: the commands.
    """

    page: str
    line: int
    kind: str
    why: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """README.md, CONTRIBUTING.md and all of docs/."""
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


def of_page(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    name = str(page.relative_to(ROOT))
    mark, lines = None, page.read_text().splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if found := _MARK.fullmatch(line):
            mark = found
            continue
        fence = _FENCE.match(line)
        if fence is None:
            mark = None
            if _LOOSE.match(line) and number > 1 and not lines[number - 2].strip():
                start = number
                while number < len(lines) and lines[number].startswith("    "):
                    number += 1
                body = [one[4:] for one in lines[start - 1 : number]]
                if body[0].startswith("$ "):
                    body = [one[2:] for one in body if one.startswith("$ ")]
                yield Block(name, start, "loose", "", "\n".join(body) + "\n")
            continue
        start = number
        while number < len(lines) and lines[number].strip() != "```":
            number += 1
        body = [one.removeprefix(fence[1]) for one in lines[start:number]]
        number += 1
        if fence[2] in ("sh", "console"):
            kind, why = (mark[1], mark[2] or "") if mark else ("run", "")
            if fence[2] == "console":
                body = [one[2:] for one in body if one.startswith("$ ")]
                kind, why = ("shown", "the output is shown with it") if not mark else (kind, why)
            yield Block(name, start + 1, kind, why, "\n".join(body) + "\n")
        mark = None


def all_blocks() -> list[Block]:
    """Those of all pages."""
    return [block for page in pages() for block in of_page(page)]


def problems(block: Block) -> list[str]:
    """What is wrong with a block that can be seen without running it."""
    if block.kind == "loose":
        return ["has no fence: ```sh, and a mark where it is not to be run"]
    found: list[str] = []
    if block.kind not in KINDS:
        found.append(f"is marked {block.kind!r}, which is none of {', '.join(KINDS)}")
    if block.kind == "shown" and not block.why:
        found.append("does not say why it is only shown")
    checked = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
    if checked.returncode:
        found.append(f"is no shell: {checked.stderr.strip()}")
        return found
    for words in commands(block.text):
        if words[0].rpartition("/")[2] == "pi-edge" and (wrong := _misused(words[1:])):
            found.append(f"{shlex.join(words)}: {wrong}")
        if words[0].startswith("scripts/") and not (ROOT / words[0]).is_file():
            found.append(f"there is no {words[0]}")
    return found


def commands(text: str) -> Iterator[list[str]]:
    """The simple commands of a shell text, without what is redirected."""
    ends: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        if ends:
            if line.strip() == ends[0]:
                ends.pop(0)
            continue
        ends = re.findall(r"<<-?\s*'?\"?(\w+)", line)
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters = "#"
        lexer.wordchars += "~-./*?=:@%+,#{}[]^!"
        words: list[str] = []
        try:
            tokens = list(lexer)
        except ValueError:  # a quotation of several lines
            continue
        for token in [*tokens, ";"]:
            if not _CONTROL.fullmatch(token):
                words.append(token)
                continue
            if command := _bare(words):
                yield command
            # What follows a redirection is a file; what came before is all of the command.
            words = ["<"] if ">" in token or "<" in token else []


def _bare(words: list[str]) -> list[str]:
    """A command without sudo, and without the variables set for it."""
    if words[:1] == ["<"]:
        return []
    while words and (words[0] == "sudo" or re.match(r"\w+=", words[0])):
        words = words[1:]
    return words


def _misused(arguments: list[str]) -> str:
    """Why pi-edge would not take these arguments, "" where it does."""
    if arguments[:1] in (["--help"], ["--version"]):
        return ""
    count = next((n for n in (2, 1) if " ".join(arguments[:n]) in COMMANDS), 0)
    if not count:
        return "is no command"
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            parser_of(" ".join(arguments[:count])).parse_args(arguments[count:])
    except SystemExit as end:
        return said.getvalue().strip().splitlines()[-1] if end.code else ""
    return ""
