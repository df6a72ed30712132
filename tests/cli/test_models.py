"""pi-edge models list, show, add, remove, rollback and verify."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from running import drop_in, running_daemon

from pi_edge.cli import main


@pytest.fixture
def flags(tmp_path: Path, shipped_models: Path) -> list[str]:
    """A copy of the shipped models, and an empty state folder."""
    shutil.copytree(shipped_models, tmp_path / "shipped")
    return ["--models", str(tmp_path / "shipped"), "--state", str(tmp_path / "state")]


def test_list_names_every_model_and_whose_it_is(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop_in("double", tmp_path / "state" / "models")
    assert main(["models", "list", *flags]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert {"mnist-cnn", "mnist-flux-cnn", "mnist-linear", "mnist-mlp", "double"} <= rows.keys()
    assert "yours" in rows["double"]
    assert "shipped" in rows["mnist-cnn"]


def test_list_names_what_cannot_be_used(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shipped" / "mnist-mlp" / "model.json").write_text("{")
    assert main(["models", "list", *flags]) == 0
    assert "mnist-mlp        unusable" in capsys.readouterr().out


def test_show_tells_what_model_json_tells(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads((tmp_path / "shipped" / "mnist-mlp" / "model.json").read_text())
    assert main(["models", "show", "mnist-mlp", "--json", *flags]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["variants"]["int8"]["accuracy"] == told["variants"]["int8"]["accuracy"]
    assert main(["models", "show", "mnist-mlp", *flags]) == 0
    assert told["variants"]["int8"]["sha256"] in capsys.readouterr().out


def test_show_of_an_unknown_model_is_one_line_and_1(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "show", "nobody", *flags]) == 1
    assert "there is no model 'nobody'" in capsys.readouterr().err


def test_verify_finds_every_shipped_file_fine(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "verify", *flags]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 4


def test_verify_has_nothing_to_say_on_stderr_when_all_is_fine(flags: list[str]) -> None:
    command = [sys.executable, "-m", "pi_edge", "models", "verify", "mnist-mlp", *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "mnist-mlp: fine (float32, float16, int8)\n"
    assert done.stderr == ""


@pytest.mark.parametrize("file", ["model.json", "int8.tflite", "check.npz"])
def test_verify_finds_one_changed_byte(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    path = tmp_path / "shipped" / "mnist-mlp" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1 if file != "model.json" else 0x80
    path.write_bytes(content)
    assert main(["models", "verify", *flags]) == 1
    printed = capsys.readouterr()
    assert "mnist-mlp" in printed.err
    assert "mnist-linear: fine" in printed.out


def test_verify_tries_bare_files(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop_in("double", tmp_path / "state" / "models")
    assert main(["models", "verify", "double", *flags]) == 0
    (tmp_path / "state" / "models" / "double.tflite").write_bytes(b"no model")
    assert main(["models", "verify", "double", *flags]) == 1
    assert "double" in capsys.readouterr().err


def test_no_models_at_all_is_one_line_and_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "list", "--models", str(tmp_path), "--state", str(tmp_path)]) == 1
    assert "there are no models" in capsys.readouterr().err


def test_add_makes_a_folder_the_owners_own(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "add", str(tmp_path / "shipped" / "mnist-mlp"), *flags]) == 0
    assert main(["models", "list", *flags]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "yours" in rows["mnist-mlp"]
    assert main(["models", "verify", "mnist-mlp", *flags]) == 0


def test_add_takes_a_bare_file(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drop_in("double", tmp_path / "elsewhere")
    assert main(["models", "add", str(tmp_path / "elsewhere" / "double.tflite"), *flags]) == 0
    assert (tmp_path / "state" / "models" / "double.tflite").exists()
    assert capsys.readouterr().out.startswith("double: added")


def test_add_replaces_an_older_model_and_what_only_that_had(
    flags: list[str], tmp_path: Path
) -> None:
    older = tmp_path / "state" / "models" / "mnist-mlp"
    older.mkdir(parents=True)
    (older / "old.tflite").write_bytes(b"old")
    assert main(["models", "add", str(tmp_path / "shipped" / "mnist-mlp"), *flags]) == 0
    assert main(["models", "verify", "mnist-mlp", *flags]) == 0
    assert not (older / "old.tflite").exists()


def test_add_of_a_damaged_model_is_one_line_and_changes_nothing(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "shipped" / "mnist-mlp"
    (damaged / "int8.tflite").write_bytes(b"damaged")
    assert main(["models", "add", str(damaged), *flags]) == 1
    error = capsys.readouterr().err
    assert "int8.tflite" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "state" / "models" / "mnist-mlp").exists()


@pytest.mark.parametrize("what", ["nowhere", "text.txt", "empty"])
def test_add_of_what_is_no_model_says_so(
    what: str, flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("no model")
    (tmp_path / "empty").mkdir()
    assert main(["models", "add", str(tmp_path / what), *flags]) == 1
    assert what in capsys.readouterr().err


def test_add_takes_no_pipe(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe.tflite")
    assert main(["models", "add", str(tmp_path / "pipe.tflite"), *flags]) == 1
    assert "is a pipe, not a file" in capsys.readouterr().err


def test_add_writes_nothing_where_a_link_leads(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.tflite").write_bytes(b"mine")
    (tmp_path / "state" / "models").mkdir(parents=True)
    (tmp_path / "state" / "models" / "mnist-mlp").symlink_to(outside)
    assert main(["models", "add", str(tmp_path / "shipped" / "mnist-mlp"), *flags]) == 1
    assert "is a link: remove it first" in capsys.readouterr().err
    assert [path.name for path in outside.iterdir()] == ["mine.tflite"]


def test_verify_opens_no_pipe(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = tmp_path / "shipped" / "mnist-mlp" / "check.npz"
    check.unlink()
    os.mkfifo(check)
    assert main(["models", "verify", "mnist-mlp", *flags]) == 1
    assert "is a pipe, not a file" in capsys.readouterr().err


def test_list_says_what_the_daemon_found_unfit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shipped").mkdir()
    drop_in("custom", tmp_path / "state" / "models")
    drop_in("double", tmp_path / "state" / "models")
    flags = ["--models", str(tmp_path / "shipped"), "--state", str(tmp_path / "state")]
    with running_daemon(tmp_path / "state", "--models", str(tmp_path / "shipped")):
        assert main(["models", "list", *flags]) == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if "quarantined" in line]
    assert "default" in line
    assert "Digamma" in line
    assert main(["models", "list", "--json", *flags]) == 0
    assert list(json.loads(capsys.readouterr().out)["quarantined"]) == ["custom"]


def test_what_is_removed_can_be_brought_back(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = drop_in("double", tmp_path / "state" / "models")
    assert main(["models", "remove", "double", *flags]) == 0
    assert "pi-edge models rollback double brings it back" in capsys.readouterr().out
    assert not file.exists()
    assert main(["models", "rollback", "double", *flags]) == 0
    assert file.exists()


def test_a_shipped_model_cannot_be_removed(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "remove", "mnist-mlp", *flags]) == 1
    assert "shipped ones cannot be removed" in capsys.readouterr().err
    assert main(["models", "rollback", "mnist-mlp", *flags]) == 1
    assert "nothing is kept of a model 'mnist-mlp'" in capsys.readouterr().err
