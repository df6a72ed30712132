from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge import cli
from pi_edge.desktop.mnist.verify import verify
from pi_edge.errors import NotFound

Edit = Callable[[Callable[[Any], None]], None]


@pytest.fixture
def folder(converted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted, tmp_path / "models" / "mnist-mlp"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    def edit(change: Callable[[Any], None]) -> None:
        path = folder / "model.json"
        document = json.loads(path.read_bytes())
        change(document)
        path.write_text(json.dumps(document))

    return edit


def problems(folder: Path, data: Path) -> list[str]:
    return verify(folder, given=data, say=lambda _: None)


def test_a_model_as_converted_verifies(folder: Path, tiny_mnist: Path) -> None:
    assert problems(folder, tiny_mnist) == []


def test_each_variant_is_told_in_a_table(folder: Path, tiny_mnist: Path) -> None:
    said: list[str] = []
    verify(folder, given=tiny_mnist, say=said.append)
    assert [line.split()[0] for line in said] == [
        "mnist-mlp",
        "variant",
        "float32",
        "float16",
        "int8",
    ]


def test_an_accuracy_that_is_not_the_files_is_found(
    folder: Path, tiny_mnist: Path, edit: Edit
) -> None:
    def boast(document: Any) -> None:
        document["variants"]["int8"] |= {"errors": 190, "accuracy": 0.05}

    edit(boast)
    (problem,) = problems(folder, tiny_mnist)
    assert "int8.tflite" in problem
    assert "model.json says 190" in problem


def test_an_accuracy_that_contradicts_the_errors_is_found(
    folder: Path, tiny_mnist: Path, edit: Edit
) -> None:
    edit(lambda document: document["variants"]["float32"].update(accuracy=0.123))
    (problem,) = problems(folder, tiny_mnist)
    assert "says accuracy 0.123" in problem


def test_a_flipped_byte_is_found_before_anything_is_measured(
    folder: Path, tiny_mnist: Path
) -> None:
    path = folder / "float16.tflite"
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    (problem,) = problems(folder, tiny_mnist)
    assert "float16.tflite is not the file that model.json describes" in problem


def test_another_test_set_is_not_compared(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    np.savez(path, x_test=np.zeros((3, 28, 28), np.uint8), y_test=np.zeros(3, np.uint8))
    assert all("tells of 200 test images, this data has 3" in p for p in problems(folder, path))


def test_missing_data_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no MNIST at"):
        problems(folder, tmp_path / "nowhere.npz")


def test_the_command_succeeds_and_writes_nothing(
    folder: Path, tiny_mnist: Path, tmp_path: Path
) -> None:
    def everything() -> list[tuple[str, int, bytes]]:
        return [
            (str(path), path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in sorted(tmp_path.rglob("*"))
        ]

    before = everything()
    arguments = ["verify", "mnist-mlp", "--data", str(tiny_mnist), "--models", str(folder.parent)]
    assert cli.main(arguments) == 0
    assert everything() == before


def test_the_command_fails_with_a_line_for_each_disagreement(
    folder: Path, tiny_mnist: Path, edit: Edit, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(lambda document: document["variants"]["float32"].update(sha256="0" * 64))
    (folder / "int8.tflite").write_bytes(b"")
    arguments = ["verify", "mnist-mlp", "--data", str(tiny_mnist), "--models", str(folder.parent)]
    assert cli.main(arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert sum("SHA-256 differs" in line for line in lines) == 1
    assert sum("int8.tflite has 0 bytes" in line for line in lines) == 1


def test_a_model_that_is_not_there_is_said(
    tmp_path: Path, tiny_mnist: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["verify", "mnist-cnn", "--data", str(tiny_mnist), "--models", str(tmp_path)]
    assert cli.main(arguments) == 1
    assert "mnist-cnn is in none of" in capsys.readouterr().err


def test_an_unknown_name_is_answered_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["verify", "weather"]) == 1
    assert "there are mnist, mnist-linear, mnist-mlp" in capsys.readouterr().err


def test_verifying_imports_no_tensorflow(folder: Path, tiny_mnist: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from pi_edge import cli\n"
        f"sys.exit(cli.main(['verify', 'mnist-mlp', '--data', {str(tiny_mnist)!r},"
        f" '--models', {str(folder.parent)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["train", "convert"])
def test_without_tensorflow_the_desktop_commands_say_what_to_install(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main([command, "mnist"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "needs tensorflow, which is not installed: pip install 'pi-edge[desktop]'" in error
