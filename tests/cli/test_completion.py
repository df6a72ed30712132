"""The Tab key in bash, zsh and fish, with the scripts that pi-edge completion prints."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import drop_in
from support import ROOT, missing
from typing_in import Terminal

from pi_edge.cli import COMMANDS, completion, main, module, parsing


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home with a model of one's own, and pi-edge in the path: completing starts it never."""
    drop_in("double", tmp_path / "state" / "models", "mine-of-mine")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "pi-edge"
    program.write_text("#!/bin/sh\necho it was started >&2\n")
    program.chmod(0o755)
    (tmp_path / "holiday.jpg").touch()
    return {
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "PI_EDGE_STATE": str(tmp_path / "state"),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }


def script(shell: str, folder: Path) -> Path:
    """A file with what pi-edge completion prints."""
    if not shutil.which(shell):
        missing(f"no {shell}: apt install {shell}")
    command = [sys.executable, "-m", "pi_edge", "completion", shell]
    path = folder / "functions" / ("_pi-edge" if shell == "zsh" else f"pi-edge.{shell}")
    path.parent.mkdir()
    path.write_bytes(subprocess.check_output(command, cwd=ROOT))
    return path


@pytest.fixture(params=["bash", "zsh"])
def shell(
    request: pytest.FixtureRequest, tmp_path: Path, environ: dict[str, str]
) -> Iterator[Terminal]:
    """An interactive shell that has the script."""
    path = script(request.param, tmp_path)
    command = {"bash": ["bash", "--norc", "-i"], "zsh": ["zsh", "-f", "-i"]}[request.param]
    terminal = Terminal(command, environ, tmp_path)
    if request.param == "zsh":
        loading = f"fpath=({path.parent} $fpath); autoload -U compinit; compinit -u -D"
    else:
        loading = f"source {path}"
    terminal.type(f"{loading}; echo rea''dy\n")
    terminal.wait_for("ready\r\n")
    yield terminal
    terminal.close()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("pi-edge stat", "pi-edge status"),
        ("pi-edge models li", "pi-edge models list"),
        ("pi-edge bench rep", "pi-edge bench report"),
        ("pi-edge serve --led-p", "pi-edge serve --led-pin"),
        ("pi-edge predict mnist-cn", "pi-edge predict mnist-cnn"),
        ("pi-edge predict mine-", "pi-edge predict mine-of-mine"),
        ("pi-edge models remove mine-", "pi-edge models remove mine-of-mine"),
        ("pi-edge predict mnist-cnn holi", "pi-edge predict mnist-cnn holiday.jpg"),
        ("pi-edge bench mnist-cn", "pi-edge bench mnist-cnn"),
        ("pi-edge completion z", "pi-edge completion zsh"),
    ],
)
def test_tab_completes(shell: Terminal, typed: str, completed: str) -> None:
    at = len(shell.shown)
    shell.type(f"{typed}\t")
    shell.wait_for(completed, since=at)


def fish(line: str, folder: Path, environ: dict[str, str]) -> set[str]:
    """What fish offers behind a line."""
    path = script("fish", folder)
    command = ["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"]
    said = subprocess.check_output(command, env=environ, cwd=folder, text=True)
    return {line.partition("\t")[0] for line in said.splitlines()}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("pi-edge stat", {"status"}),
        ("pi-edge models li", {"list"}),
        ("pi-edge bench rep", {"report"}),
        ("pi-edge serve --led-p", {"--led-pin"}),
        ("pi-edge predict mnist-c", {"mnist-cnn"}),
        ("pi-edge predict mine-", {"mine-of-mine"}),
        ("pi-edge bench mnist-c", {"mnist-cnn"}),
        ("pi-edge completion z", {"zsh"}),
    ],
)
def test_fish_offers(line: str, offered: set[str], tmp_path: Path, environ: dict[str, str]) -> None:
    assert fish(line, tmp_path, environ) == offered


def flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for word, below in action.choices.items():
                yield word
                yield from flags(below)


@pytest.mark.parametrize("command", COMMANDS)
def test_scripts_and_manual_page_have_every_flag(command: str) -> None:
    """scripts/make-manual was run after the last change."""
    page = (ROOT / "docs" / "man" / "pi-edge.1").read_text().replace("\\-", "-")
    scripts = [(completion.FOLDER / f"pi-edge.{shell}").read_text() for shell in completion.SHELLS]
    words = set(flags(parsing.command(command, module(command)))) - {"-h", "--help"}
    for word in {command.rpartition(" ")[2], *words}:
        assert word in page, "run scripts/make-manual"
        assert all(word.lstrip("-") in text for text in scripts), "run scripts/make-manual"


def test_completion_needs_no_library_and_nothing_heavy() -> None:
    code = (
        "import sys; from pi_edge.cli import main; main(['completion', 'bash']);"
        "print({'shtab', 'numpy', 'tqdm'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == "set()\n"


def test_an_unknown_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "fsh"])
    assert ended.value.code == 2
    assert "did you mean fish?" in capsys.readouterr().err


def test_a_folder_with_a_quote_in_its_name_is_quoted(
    tmp_path: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "it's; touch gone"
    drop_in("double", folder, "in-there")
    assert main(["completion", "bash", "--models", str(folder)]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    said = subprocess.check_output(
        ["bash", "-c", "source ./script; _pi_edge_models in-"], env=environ, cwd=tmp_path, text=True
    )
    assert said == "in-there\n"
    assert not (tmp_path / "gone").exists()


def test_the_manual_page_has_no_fault() -> None:
    if not shutil.which("groff"):
        missing("no groff: apt install groff-base")
    page = ROOT / "docs" / "man" / "pi-edge.1"
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-c", "-P-b", "-P-u", page],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "EXIT STATUS" in done.stdout
