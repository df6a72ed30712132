"""The command as a person meets it: exit codes and where its words go."""

import errno
import subprocess
import sys

import pytest

from pi_edge.cli import COMMANDS, main


def pi_edge(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pi_edge", *arguments], capture_output=True, text=True, timeout=60
    )


def test_an_unknown_command_is_wrong_usage() -> None:
    result = pi_edge("fly")
    assert result.returncode == 2
    assert "invalid choice: 'fly'" in result.stderr


def test_no_command_at_all_is_wrong_usage() -> None:
    assert pi_edge().returncode == 2


def test_help_lists_every_command() -> None:
    result = pi_edge("--help")
    assert result.returncode == 0
    assert all(name in result.stdout for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = pi_edge(command, "--help")
    assert result.returncode == 0
    assert f"usage: pi-edge {command}" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_asking_for_help_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys; from pi_edge.cli import main\n"
        f"try: main([{command!r}, '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'numpy', 'starlette', 'PIL', 'ai_edge_litert'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_what_does_not_work_is_one_line_on_stderr_and_exit_1() -> None:
    result = pi_edge("predict", "no-such-model", "x.png")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("pi-edge: ")
    assert result.stderr.count("\n") == 1


def test_a_place_that_cannot_be_written_is_one_line_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(args: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/models")

    monkeypatch.setattr("pi_edge.cli.models.run", run)
    assert main(["models", "list"]) == 1
    assert capsys.readouterr().err == "pi-edge: /models: Permission denied\n"
