"""A table of one's own: train, convert, verify, predict, by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ROOT

from pi_edge import cli, files
from pi_edge.desktop.regression import owned
from pi_edge.desktop.regression.training import load

Command = Callable[..., int]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def flats(tmp_path: Path) -> Path:
    """A table whose rent is 50 + 200 rooms + 7.5 size, give or take."""
    random = np.random.default_rng(0)
    rooms, size = random.integers(1, 6, 30), random.integers(20, 120, 30)
    rent = np.round(50 + 200 * rooms + 7.5 * size + random.normal(0, 30, 30), 2)
    path = tmp_path / "flats.csv"
    rows = [f"{a},{b},{c}" for a, b, c in zip(rooms, size, rent, strict=True)]
    path.write_text("\n".join(["rooms,size,rent", *rows]) + "\n")
    return path


@pytest.fixture
def command(state: Path) -> Command:
    def command(*arguments: Any) -> int:
        return cli.main([*map(str, arguments), "--state", str(state)])

    return command


@pytest.fixture
def train(tensorflow: Any, command: Command, flats: Path) -> Command:
    def train(*arguments: Any, data: Path = flats, name: str = "flats") -> int:
        return command(
            *("train", "regression", "--data", data, "--target", "rent", "--name", name),
            *arguments,
        )

    return train


@pytest.fixture
def converted(train: Command, command: Command, state: Path) -> Path:
    assert train() == 0
    assert command("convert", "flats") == 0
    return state / "models" / "flats"


Output = pytest.CaptureFixture[str]


def test_training_prints_a_line_for_each_coefficient(train: Command, capsys: Output) -> None:
    assert train() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["column", "coefficient", "standard", "error", "t"]
    assert [line.split()[0] for line in lines[1:4]] == ["(intercept)", "rooms", "size"]
    coefficient, error, t = map(float, lines[2].split()[1:])
    assert coefficient == pytest.approx(200, abs=4 * error)
    assert t == pytest.approx(coefficient / error, rel=1e-3)
    assert lines[4].startswith("rent: 30 rows, R squared 0.99")
    assert "pi-edge convert flats" in lines[5]


def test_training_again_without_data_takes_the_same_table(
    train: Command, command: Command, state: Path, flats: Path
) -> None:
    assert train() == 0
    with flats.open("a") as file:
        file.write("9,999,9\n")
    assert command("train", "flats") == 0
    assert load(state, "flats", "").fit.rows == 31


def test_another_table_does_not_take_a_name_unasked(
    train: Command, command: Command, state: Path, flats: Path, capsys: Output
) -> None:
    assert train() == 0
    other = flats.with_name("other.csv")
    other.write_text("rooms,rent\n1,2\n2,3\n3,5\n")
    assert train(data=other) == 1
    assert "choose another --name, or --fresh" in capsys.readouterr().err
    assert load(state, "flats", "").fit.rows == 30
    assert train("--fresh", data=other) == 0
    assert load(state, "flats", "").fit.rows == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../flats", "cannot be a model's name"),
        (".flats", "cannot be a model's name"),
        ("my flats", "cannot be a model's name"),
        ("x" * 65, "cannot be a model's name"),
        ("mnist-cnn", "already means mnist"),
        ("fire-theft", "already means fire-theft"),
        ("stocks", "already means stocks"),
    ],
)
def test_a_name_that_no_model_can_have_is_wrong_usage(
    train: Command, state: Path, name: str, said: str, capsys: Output
) -> None:
    assert train(name=name) == 2
    assert said in capsys.readouterr().err
    assert not state.exists()


def test_the_name_of_another_model_of_ones_own_is_refused(
    train: Command, state: Path, capsys: Output
) -> None:
    (state / "models").mkdir(parents=True)
    (state / "models" / "flats.tflite").write_bytes(b"")
    assert train() == 2
    assert "another kind of model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--name NAME"),
        (("--name", "x"), "--data FILE"),
        (("--name", "x", "--data", "/"), "is a folder"),
        (("--name", "x", "--data", "flats.csv"), "no file"),
    ],
)
def test_what_is_missing_is_said(
    command: Command, arguments: tuple[str, ...], said: str, capsys: Output
) -> None:
    assert command("train", "regression", *arguments) in (1, 2)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_columns_that_make_each_other_are_told_with_the_flag_that_helps(
    command: Command, tmp_path: Path, capsys: Output
) -> None:
    path = tmp_path / "people.csv"
    random = np.random.default_rng(1)
    rows = [f"{m},{w},{m + w},{random.random()}" for m, w in random.integers(1, 99, (20, 2))]
    path.write_text("\n".join(["men,women,people,happiness", *rows]))
    train = ("train", "regression", "--data", path, "--target", "happiness", "--name", "people")
    assert command(*train) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is a combination of" in error
    flag = error.split("leave out with ")[1].split()
    assert command(*train, *flag) == 0


def test_a_damaged_training_is_said(
    tensorflow: Any, train: Command, command: Command, state: Path, capsys: Output
) -> None:
    assert train() == 0
    (state / "training" / "flats" / "regression.npz").write_bytes(b"PK\x03\x04nonsense")
    capsys.readouterr()
    assert command("convert", "flats") == 1
    assert "is damaged" in capsys.readouterr().err


def test_model_json_tells_the_line_in_full_double_precision(
    converted: Path, state: Path, flats: Path
) -> None:
    told = json.loads((converted / "model.json").read_bytes())
    line = load(state, "flats", "").fit
    assert (told["task"], told["family"], told["default"]) == (
        "regression",
        "regression",
        "float32",
    )
    assert (told["columns"], told["target"]) == (["rooms", "size"], "rent")
    assert told["intercept"] == line.intercept
    assert tuple(told["coefficients"]) == line.coefficients
    assert tuple(told["statistics"]["standard_errors"]) == (line.standard_errors or ())
    assert told["left_out"].keys() == {"float16", "int8"}
    data = told["trained"]["data"]
    assert (data["path"], data["sha256"]) == (str(flats), files.sha256(flats))


def test_the_file_agrees_with_the_line_to_float32(converted: Path) -> None:
    told = json.loads((converted / "model.json").read_bytes())
    assert 0 < told["variants"]["float32"]["largest_relative_difference"] < 3e-7


def test_predict_answers_with_the_model(converted: Path, command: Command, capsys: Output) -> None:
    capsys.readouterr()
    assert command("predict", "flats", "3,70", "--json") == 0
    (value,) = json.loads(capsys.readouterr().out)["predictions"]
    assert value == pytest.approx(50 + 600 + 525, rel=0.05)


def test_verify_fits_again_and_finds_the_same(
    converted: Path, command: Command, capsys: Output
) -> None:
    before = {path: path.read_bytes() for path in converted.iterdir()}
    assert command("verify", "flats") == 0
    assert command("verify", "regression") == 0
    assert {path: path.read_bytes() for path in converted.iterdir()} == before
    assert "rooms" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["intercept", "coefficients", "r_squared", "standard"])
def test_verify_finds_a_figure_that_is_not_the_tables(
    converted: Path, command: Command, what: str, capsys: Output
) -> None:
    path = converted / "model.json"
    told = json.loads(path.read_bytes())
    if what == "coefficients":
        told["coefficients"][1] *= 1 + 1e-5
    elif what == "intercept":
        told["intercept"] += 1e-3
    elif what == "r_squared":
        told["statistics"]["r_squared"] -= 1e-6
    else:
        told["statistics"]["residual_standard_error"] *= 1 + 1e-6
    path.write_text(json.dumps(told))
    assert command("verify", "flats") == 1
    assert "here, model.json says" in capsys.readouterr().err


def test_verify_finds_another_file(converted: Path, command: Command, capsys: Output) -> None:
    path = converted / "float32.tflite"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    assert command("verify", "flats") == 1
    assert "SHA-256 differs" in capsys.readouterr().err


def test_verify_without_the_table_asks_for_it(
    converted: Path, command: Command, flats: Path, capsys: Output
) -> None:
    moved = flats.rename(flats.with_name("moved.csv"))
    assert command("verify", "flats") == 1
    assert "give it with --data FILE" in capsys.readouterr().err
    assert command("verify", "flats", "--data", moved) == 0


@pytest.mark.parametrize("change", ["columns", "trained", "coefficients", "statistics"])
def test_verify_of_a_model_json_that_lacks_something_is_one_line(
    converted: Path, command: Command, change: str, capsys: Output
) -> None:
    path = converted / "model.json"
    told = json.loads(path.read_bytes())
    del told[change]
    path.write_text(json.dumps(told))
    capsys.readouterr()
    assert command("verify", "flats") == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "INFO" not in line]
    assert len(lines) == 1


def test_convert_refuses_another_table(
    converted: Path, command: Command, flats: Path, capsys: Output
) -> None:
    assert command("convert", "flats", "--data", flats) == 0
    flats.write_text(flats.read_text() + "1,2,3\n")
    assert command("convert", "flats", "--data", flats) == 1
    assert "train it again" in capsys.readouterr().err


def test_convert_does_not_write_over_another_model(
    tensorflow: Any, train: Command, command: Command, tmp_path: Path, capsys: Output
) -> None:
    there = tmp_path / "models" / "flats" / "model.json"
    there.parent.mkdir(parents=True)
    there.write_text('{"name": "flats", "task": "digits"}')
    assert train() == 0
    assert command("convert", "flats", "--output", there.parent.parent) == 1
    assert "another kind of model" in capsys.readouterr().err
    assert [path.name for path in there.parent.iterdir()] == ["model.json"]


def test_a_large_offset_costs_nothing_where_float32_can_hold_the_column(
    tensorflow: Any, train: Command, command: Command, state: Path, tmp_path: Path
) -> None:
    path = tmp_path / "years.csv"
    rows = [f"{16_000_000 + t},{0.25 * t + (t % 7) / 100}" for t in range(60)]
    path.write_text("\n".join(["time,rent", *rows]))
    assert train(data=path) == 0
    assert command("convert", "flats") == 0
    told = json.loads((state / "models" / "flats" / "model.json").read_bytes())
    assert told["variants"]["float32"]["largest_difference"] < 2e-6


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([f"{1.7e9 + t},{t + t % 3}" for t in range(60)], "subtract a constant"),
        ([f"{t}e300,{t + t % 3}" for t in range(60)], "other units"),
        ([f"{t},{t + t % 3}e300" for t in range(60)], "other units"),
    ],
)
def test_what_float32_cannot_hold_is_not_shipped(
    tensorflow: Any,
    train: Command,
    command: Command,
    state: Path,
    tmp_path: Path,
    rows: list[str],
    said: str,
    capsys: Output,
) -> None:
    path = tmp_path / "large.csv"
    path.write_text("\n".join(["time,rent", *rows]))
    assert train(data=path) == 0
    assert command("convert", "flats") == 1
    assert said in capsys.readouterr().err
    assert not list((state / "models").glob("*"))


def test_a_model_is_known_by_its_training_or_its_model_json(
    converted: Path, state: Path, tmp_path: Path
) -> None:
    assert owned([state]) == ["flats"]
    assert owned([state / "models"]) == ["flats"]
    assert owned([tmp_path / "nowhere", ROOT / "models"]) == []
    (state / "models" / "broken").mkdir()
    (state / "models" / "broken" / "model.json").write_text("[")
    assert owned([state / "models"]) == ["flats"]


def test_verifying_needs_neither_tensorflow_nor_tqdm(converted: Path, state: Path) -> None:
    code = (
        "import sys; sys.modules.update(tensorflow=None, tqdm=None, matplotlib=None, scipy=None)\n"
        "from pi_edge import cli\n"
        f"sys.exit(cli.main(['verify', 'flats', '--state', {str(state)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
