from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi_edge.verification import verify_files


@pytest.fixture
def folder(shipped_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped_models / "mnist-linear", tmp_path / "mnist-linear"))


def read(folder: Path) -> Any:
    return json.loads((folder / "model.json").read_bytes())


def write(folder: Path, document: Any) -> None:
    (folder / "model.json").write_text(json.dumps(document))


def replace_check(folder: Path, arrays: dict[str, Any]) -> None:
    """Put another check.npz in place, and its hash into model.json."""
    contents = io.BytesIO()
    np.savez(contents, **arrays)
    (folder / "check.npz").write_bytes(contents.getvalue())
    document = read(folder)
    document["check"] |= {
        "bytes": len(contents.getvalue()),
        "sha256": hashlib.sha256(contents.getvalue()).hexdigest(),
    }
    write(folder, document)


def arrays(folder: Path) -> dict[str, Any]:
    with np.load(folder / "check.npz") as archive:
        return {name: archive[name] for name in archive.files}


def test_a_shipped_model_verifies(folder: Path) -> None:
    assert verify_files(folder) == []


def test_a_flipped_byte_is_found(folder: Path) -> None:
    contents = bytearray((folder / "int8.tflite").read_bytes())
    contents[-1] ^= 1
    (folder / "int8.tflite").write_bytes(contents)
    assert any("int8.tflite is not the file" in problem for problem in verify_files(folder))


def test_a_shorter_file_is_found(folder: Path) -> None:
    contents = (folder / "int8.tflite").read_bytes()
    (folder / "int8.tflite").write_bytes(contents[:-1])
    assert any("int8.tflite has" in problem for problem in verify_files(folder))


def test_a_missing_file_is_found(folder: Path) -> None:
    (folder / "float16.tflite").unlink()
    (problem,) = verify_files(folder)
    assert "float16.tflite" in problem


def test_a_missing_check_file_is_found(folder: Path) -> None:
    (folder / "check.npz").unlink()
    assert any("check.npz cannot be read" in problem for problem in verify_files(folder))


def test_a_check_file_that_was_altered_is_found(folder: Path) -> None:
    path = folder / "check.npz"
    path.write_bytes(path.read_bytes() + b"\0")
    assert any("check.npz has" in problem for problem in verify_files(folder))


def test_an_output_that_is_not_the_expected_one_is_found(folder: Path) -> None:
    expected = arrays(folder)
    expected["float32/probabilities"][3, 4] += 0.01
    replace_check(folder, expected)
    (problem,) = verify_files(folder)
    assert "float32.tflite: probabilities is 0.01 from what its check expects" in problem


def test_an_expected_nan_is_found(folder: Path) -> None:
    expected = arrays(folder)
    expected["int8/probabilities"][0, 0] = np.nan
    replace_check(folder, expected)
    assert len(verify_files(folder)) == 1


def test_int8_may_differ_by_a_few_steps(folder: Path) -> None:
    expected = arrays(folder)
    expected["int8/probabilities"] += np.float32(3 / 256)
    replace_check(folder, expected)
    assert verify_files(folder) == []


def test_a_variant_without_expected_outputs_is_found(folder: Path) -> None:
    expected = arrays(folder)
    del expected["float16/probabilities"]
    replace_check(folder, expected)
    (problem,) = verify_files(folder)
    assert "expects nothing of float16.tflite" in problem


def test_an_output_that_the_file_does_not_give_is_found(folder: Path) -> None:
    expected = arrays(folder)
    expected["float32/forecast"] = expected.pop("float32/probabilities")
    replace_check(folder, expected)
    (problem,) = verify_files(folder)
    assert "float32.tflite: it gives no forecast" in problem


def test_a_file_that_model_json_does_not_know_is_found(folder: Path) -> None:
    shutil.copy(folder / "int8.tflite", folder / "int4.tflite")
    (problem,) = verify_files(folder)
    assert "int4.tflite is not in model.json" in problem


@pytest.mark.parametrize("contents", [b"", b"{", b"[]", b'{"name": "mnist-linear"}'])
def test_a_model_json_that_says_nothing_is_found(folder: Path, contents: bytes) -> None:
    (folder / "model.json").write_bytes(contents)
    (problem,) = verify_files(folder)
    assert "model.json" in problem


def test_a_model_json_without_a_check_file_is_found(folder: Path) -> None:
    document = read(folder)
    del document["check"]
    write(folder, document)
    (problem,) = verify_files(folder)
    assert "names no check file" in problem


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    (problem,) = verify_files(tmp_path)
    assert "model.json" in problem


@pytest.mark.parametrize("tolerance", [None, "much", [1]])
def test_a_tolerance_that_is_no_number_is_found(folder: Path, tolerance: object) -> None:
    document = read(folder)
    document["variants"]["int8"]["tolerance"] = tolerance
    write(folder, document)
    (problem,) = verify_files(folder)
    assert "int8.tflite: model.json's tolerance must be a number" in problem


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\0"])
def test_a_check_file_that_is_damaged_is_found(folder: Path, contents: bytes) -> None:
    (folder / "check.npz").write_bytes(contents)
    assert any("check.npz cannot be read" in problem for problem in verify_files(folder))


def test_text_that_is_expected_where_numbers_come_is_found(folder: Path) -> None:
    expected = arrays(folder)
    shape = expected["int8/probabilities"].shape
    expected["int8/probabilities"] = np.full(shape, "a")
    replace_check(folder, expected)
    (problem,) = verify_files(folder)
    assert "int8.tflite: probabilities is of numbers and its check expects none" in problem


@pytest.fixture
def line(shipped_models: Path, tmp_path: Path) -> Path:
    """A model that can learn: it has a file for that."""
    return Path(shutil.copytree(shipped_models / "fire-theft", tmp_path / "fire-theft"))


def test_a_file_that_a_model_learns_on_with_is_checked_too(line: Path) -> None:
    assert verify_files(line) == []
    contents = (line / "fit.npz").read_bytes()
    (line / "fit.npz").write_bytes(contents[:-1] + b"\1")
    assert any("fit.npz is not the file" in problem for problem in verify_files(line))
    (line / "fit.npz").unlink()
    assert any("fit.npz cannot be read" in problem for problem in verify_files(line))


def test_a_file_to_learn_with_that_is_elsewhere_is_not_read(line: Path) -> None:
    document = read(line)
    document["training"]["file"] = "../fire-theft/fit.npz"
    write(line, document)
    assert any("not beside it" in problem for problem in verify_files(line))


def rehearse(folder: Path, **told: Any) -> None:
    """Put a rehearsal.npz beside the model, and tell of it."""
    contents = b"images"
    (folder / "rehearsal.npz").write_bytes(contents)
    about = {"file": "rehearsal.npz", "bytes": len(contents)}
    about |= {"sha256": hashlib.sha256(contents).hexdigest(), **told}
    write(folder, {**read(folder), "rehearsal": about})


def test_what_stands_beside_a_model_is_compared_with_its_hash(folder: Path) -> None:
    rehearse(folder)
    assert verify_files(folder) == []
    (folder / "rehearsal.npz").write_bytes(b"imagex")
    (problem,) = verify_files(folder)
    assert "rehearsal.npz is not the file that model.json describes" in problem


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"file": "nothing.npz"}, "nothing.npz cannot be read"),
        ({"file": "../check.npz"}, "names a file that is not beside it"),
        ({"file": 7}, "names no file where it should"),
    ],
)
def test_what_should_stand_beside_a_model_and_does_not_is_found(
    folder: Path, told: dict[str, Any], words: str
) -> None:
    rehearse(folder, **told)
    (problem,) = verify_files(folder)
    assert words in problem
