"""What a person is told who asks, or mistypes."""

from __future__ import annotations

import shlex

import pytest
from running import RunningDaemon

from pi_edge.cli import COMMANDS, main, module, parsing


def examples(command: str) -> list[str]:
    lines = module(command).EXAMPLES.strip().splitlines()
    return [line.partition("  #")[0].partition(" >")[0].strip() for line in lines]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_ends_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "examples:\n  " in said
    assert all(line in said for line in examples(command))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_is_one(command: str) -> None:
    """The command's own flags and arguments, as its parser takes them."""
    assert examples(command)
    for line in examples(command):
        words = shlex.split(line.removeprefix("sudo "))
        start = ["pi-edge", *command.split()]
        assert words[: len(start)] == start
        parsing.command(command, module(command)).parse_args(words[len(start) :])


def test_a_description_is_filled_and_breaks_no_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "62")
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    said = capsys.readouterr().out
    description = said.partition("\n\n")[2].partition("\n\n")[0].splitlines()
    assert len(description) > 3
    assert all(len(line) <= 60 and not line.endswith("-") for line in description)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["statsu"], "did you mean status?"),
        (["modles", "list"], "did you mean models?"),
        (["models", "lst"], "did you mean list?"),
        (["models", "list", "--jsno"], "did you mean --json?"),
        (["predict", "mnist-cnn", "7.png", "--varient=int8"], "did you mean --variant?"),
        (["stylize", "a.jpg", "--scale", "bolt"], "did you mean bold?"),
        (["serve", "--led-pim", "3"], "did you mean --led-pin?"),
    ],
)
def test_the_nearest_word_is_named(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(meant)


def test_nothing_is_named_where_nothing_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["status", "--colourful"])
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "meant"),
    [
        (["predict", "mnist-cmn", "7.png"], 1, "no model 'mnist-cmn': did you mean 'mnist-cnn'?"),
        (["models", "show", "mnist-mpl"], 1, "no model 'mnist-mpl': did you mean 'mnist-mlp'?"),
        (["predict", "mnist-cnn", "7.png", "--variant", "int9"], 1, "did you mean 'int8'?"),
        (["verify", "fire-teft"], 1, "called 'fire-teft': did you mean 'fire-theft'?"),
        (["doctor", "prot"], 2, "there is no check 'prot': did you mean 'port'?"),
    ],
)
def test_the_nearest_name_is_named(
    words: list[str], code: int, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(meant)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/mnist-cmn",
        "/v2/models/mnist-cmn/versions/int8/ready",
        "/v2/models/mnist-cmn/stats",
    ],
)
def test_the_daemon_names_the_nearest_model(daemon: RunningDaemon, path: str) -> None:
    answer = daemon.send("GET", path)
    assert answer.status == 404
    assert answer.json()["error"] == "there is no model 'mnist-cmn': did you mean 'mnist-cnn'?"


def test_the_daemon_names_the_nearest_version(daemon: RunningDaemon) -> None:
    answer = daemon.send("GET", "/v2/models/mnist-cnn/versions/int9")
    assert answer.status == 404
    assert answer.json()["error"] == "mnist-cnn has no variant 'int9': did you mean 'int8'?"
