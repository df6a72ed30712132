"""pi-edge learn, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import install

from pi_edge import cli

Output = pytest.CaptureFixture[str]
Command = Callable[..., int]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("fires_per_1000_housing_units,thefts_per_1000_population\n8,25\n12,31\n")
    return path


@pytest.fixture
def command(state: Path, shipped_models: Path) -> Command:
    def command(*arguments: Any) -> int:
        flags = ("--state", str(state), "--models", str(shipped_models))
        return cli.main([*map(str, arguments), *flags])

    return command


def test_a_line_learns_and_serves_from_the_state_folder(
    command: Command, state: Path, rows: Path, capsys: Output
) -> None:
    assert command("learn", "fire-theft", "--data", rows) == 0
    captured = capsys.readouterr()
    assert "44 rows in all" in captured.out
    assert captured.err == ""
    assert command("models", "verify", "fire-theft") == 0
    assert command("predict", "fire-theft", "10", "--json") == 0
    told = json.loads((state / "models" / "fire-theft" / "model.json").read_text())
    (predicted,) = json.loads(capsys.readouterr().out.splitlines()[-1])["predictions"]
    assert predicted == pytest.approx(told["intercept"] + 10 * told["coefficients"][0], rel=1e-6)


def test_rollback_brings_the_shipped_one_back_and_then_what_was_learned(
    command: Command, state: Path, rows: Path
) -> None:
    assert command("learn", "fire-theft", "--data", rows) == 0
    learned = (state / "models" / "fire-theft" / "model.json").read_bytes()
    assert command("models", "rollback", "fire-theft") == 0
    assert not (state / "models" / "fire-theft").exists()
    assert command("models", "rollback", "fire-theft") == 0
    assert (state / "models" / "fire-theft" / "model.json").read_bytes() == learned


def test_verify_solves_a_learned_line_again(rows: Path, state: Path, capsys: Output) -> None:
    flags = ("--state", str(state))
    assert cli.main(["learn", "fire-theft", "--data", str(rows), *flags]) == 0
    assert cli.main(["verify", "fire-theft", *flags]) == 0
    assert "solved again from what it carries of 44 rows" in capsys.readouterr().out
    path = state / "models" / "fire-theft" / "model.json"
    told = json.loads(path.read_text())
    told["coefficients"][0] += 1e-6
    path.write_text(json.dumps(told))
    assert cli.main(["verify", "fire-theft", *flags]) == 1
    assert "model.json says" in capsys.readouterr().err


def test_a_line_of_another_name_is_verified_against_a_table_of_all_rows(
    rows: Path, state: Path, tmp_path: Path, capsys: Output
) -> None:
    flags = ("--state", str(state))
    learn = ["learn", "fire-theft", "--data", str(rows), "--name", "mine", *flags]
    rows.write_text(rows.read_text() + "20,39\n")
    assert cli.main([*learn, "--from", "scratch"]) == 0
    assert cli.main(["verify", "mine", "--data", str(rows), *flags]) == 0
    rows.write_text(rows.read_text() + "30,30\n")
    assert cli.main(["verify", "mine", "--data", str(rows), *flags]) == 1
    assert "here, model.json says" in capsys.readouterr().err


def test_bad_rows_are_one_line_and_1(
    command: Command, rows: Path, state: Path, capsys: Output
) -> None:
    rows.write_text("x,y\n1,2\n")
    assert command("learn", "fire-theft", "--data", rows) == 1
    error = capsys.readouterr().err
    assert error.startswith("pi-edge: ")
    assert error.count("\n") == 1
    assert not (state / "models").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nobody",), 1, "there is no model 'nobody'"),
        (("fire-theft",), 2, "say which rows fire-theft is to learn: --data FILE"),
        (("fire-theft", "--data", "/"), 2, "is a folder"),
        (("fire-theft", "--data", "nowhere.csv"), 1, "there is no file nowhere.csv"),
        (("stocks",), 2, "say which closes stocks is to learn: --prices FILE"),
        (("stocks", "--prices", "nowhere.csv"), 1, "there is no file nowhere.csv"),
        (("style",), 1, "nothing here teaches the task 'style'"),
        (("fire-theft", "--data", "x.csv", "--name", "mnist-cnn"), 1, "of another task"),
        (("fire-theft", "--data", "x.csv", "--name", "../x"), 1, "no model can be called"),
    ],
)
def test_what_cannot_be_learned_is_said_in_one_line(
    command: Command, arguments: tuple[str, ...], status: int, said: str, capsys: Output
) -> None:
    assert command("learn", *arguments) == status
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_bare_file_of_the_results_name_is_not_written_over(
    command: Command, state: Path, rows: Path, capsys: Output
) -> None:
    (state / "models").mkdir(parents=True)
    (state / "models" / "mine.tflite").write_bytes(b"")
    assert command("learn", "fire-theft", "--data", rows, "--name", "mine") == 1
    assert "mine" in capsys.readouterr().err
    assert [path.name for path in (state / "models").iterdir()] == ["mine.tflite"]


def test_a_model_that_cannot_be_read_says_why(
    command: Command, state: Path, capsys: Output
) -> None:
    (install("double", state / "models") / "model.json").write_text("{")
    assert command("learn", "double") == 1
    assert "is not a model.json" in capsys.readouterr().err
