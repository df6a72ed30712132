"""pi-edge predict as a person meets it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def predict(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pi_edge", "predict", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def seven(mnist: Path) -> np.ndarray:
    """A test picture that every model reads right."""
    with np.load(mnist) as data:
        return data["x_test"][data["y_test"] == 7][0]


@pytest.fixture
def picture(seven: np.ndarray, tmp_path: Path) -> Path:
    Image.fromarray(seven).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    Image.new("RGB", (300, 200), "white").save(tmp_path / "blank.png")
    return tmp_path / "blank.png"


def complaints(result: subprocess.CompletedProcess[bytes]) -> list[str]:
    """The lines on stderr: pi-edge's own, and no others."""
    lines = result.stderr.decode().splitlines()
    assert all(line.startswith("pi-edge: ") for line in lines), lines
    return lines


def test_a_picture_is_read(picture: Path) -> None:
    result = predict("mnist-cnn", picture)
    assert result.returncode == 0
    assert result.stdout.decode().splitlines()[0] == "7"
    assert not complaints(result)


def test_json_is_one_document_that_names_model_and_variant(picture: Path) -> None:
    answer = json.loads(predict("mnist-cnn", picture, "--json").stdout)
    assert (answer["model"], answer["variant"]) == ("mnist-cnn", "float32")
    assert (answer["number"], answer["digit"]) == ("7", 7)
    assert len(answer["digits"][0]["probabilities"]) == 10


def test_another_variant_answers_when_asked(picture: Path) -> None:
    answer = json.loads(predict("mnist-cnn", picture, "--variant", "int8", "--json").stdout)
    assert (answer["variant"], answer["number"]) == ("int8", "7")


def test_several_inputs_are_told_apart_by_name(picture: Path, blank: Path) -> None:
    lines = predict("mnist-cnn", picture, blank).stdout.decode().splitlines()
    assert lines[0] == f"{picture}: 7"
    assert lines[-1] == f"{blank}: no digit found"


def test_json_of_several_inputs_is_an_array(picture: Path, blank: Path) -> None:
    answers = json.loads(predict("mnist-cnn", "--json", picture, blank).stdout)
    assert [answer["number"] for answer in answers] == ["7", ""]
    assert answers[1]["message"] == "no digit found"


def test_a_bad_input_is_named_and_the_others_are_answered(picture: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    result = predict("mnist-cnn", text, picture)
    assert result.returncode == 1
    (complaint,) = complaints(result)
    assert complaint.startswith(f"pi-edge: {text}: this is no PNG")
    assert result.stdout.decode().startswith(f"{picture}: 7\n")


def test_json_keeps_a_place_for_a_bad_input(picture: Path, tmp_path: Path) -> None:
    result = predict("mnist-cnn", "--json", tmp_path / "none.png", picture)
    answers = json.loads(result.stdout)
    assert result.returncode == 1
    assert "there is no file" in answers[0]["error"]
    assert answers[1]["number"] == "7"


def test_a_single_bad_input_leaves_stdout_empty(tmp_path: Path) -> None:
    result = predict("mnist-cnn", "--json", tmp_path / "none.png")
    assert (result.returncode, result.stdout) == (1, b"")
    assert len(complaints(result)) == 1


def test_standard_input_is_read(picture: Path) -> None:
    result = predict("mnist-cnn", "-", stdin=picture.read_bytes())
    assert result.stdout.decode().splitlines()[0] == "7"


def test_odd_exif_data_is_not_complained_about(tmp_path: Path) -> None:
    exif = b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"
    Image.new("L", (99, 99), 200).save(tmp_path / "odd.jpg", exif=exif)
    result = predict("mnist-cnn", tmp_path / "odd.jpg")
    assert result.returncode == 0
    assert b"EXIF" not in result.stderr


def test_empty_standard_input_is_one_line() -> None:
    result = predict("mnist-cnn", "-")
    assert result.returncode == 1
    assert complaints(result)[0].startswith("pi-edge: standard input: ")


def test_784_numbers_in_an_npy_file_are_read(seven: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "seven.npy", seven)
    assert predict("mnist-mlp", tmp_path / "seven.npy").stdout.decode().splitlines()[0] == "7"


def test_a_name_that_looks_like_a_flag_follows_two_dashes(
    picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture.rename(tmp_path / "-x.png")
    monkeypatch.chdir(tmp_path)
    assert predict("mnist-cnn", "--", "-x.png").stdout.decode().splitlines()[0] == "7"


def test_an_unknown_model_is_one_line_that_lists_the_known(picture: Path) -> None:
    result = predict("mnist-cmn", picture)
    assert result.returncode == 1
    (complaint,) = complaints(result)
    assert "there is no model 'mnist-cmn': did you mean 'mnist-cnn'?" in complaint
    assert "mnist-cnn" in complaint


def test_an_unknown_variant_is_one_line(picture: Path) -> None:
    result = predict("mnist-cnn", picture, "--variant", "int3")
    assert result.returncode == 1
    assert "no variant 'int3'" in complaints(result)[0]


def test_pictures_are_made_with_another_command(picture: Path) -> None:
    result = predict("style", picture, "--models", Path(__file__).parents[1] / "data")
    assert (result.returncode, result.stdout) == (2, b"")
    assert "pi-edge stylize PHOTO -o OUT --style NAME" in complaints(result)[0]
    assert len(complaints(result)) == 1


def test_threads_must_be_a_number(picture: Path) -> None:
    result = predict("mnist-cnn", picture, "--threads", "many")
    assert result.returncode == 1
    assert "--threads must be a whole number" in complaints(result)[0]


def test_no_input_is_wrong_usage() -> None:
    assert predict("mnist-cnn").returncode == 2


@pytest.fixture
def bare_model(shipped_models: Path, tmp_path: Path) -> Path:
    """A folder whose only model is a bare .tflite file, which means tensors."""
    folder = tmp_path / "models"
    folder.mkdir()
    source = shipped_models / "mnist-mlp" / "float32.tflite"
    (folder / "bare.tflite").write_bytes(source.read_bytes())
    return folder


def test_a_model_of_tensors_takes_an_npy_file(
    bare_model: Path, seven: np.ndarray, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", seven[None].astype(np.float32))
    result = predict("bare", tmp_path / "x.npy", "--models", bare_model, "--json")
    outputs = json.loads(result.stdout)["outputs"]
    assert int(np.argmax(outputs["probabilities"][0])) == 7


def test_a_model_of_tensors_takes_an_npz_file_by_name(
    bare_model: Path, seven: np.ndarray, tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", image=seven[None].astype(np.float64))
    result = predict("bare", tmp_path / "x.npz", "--models", bare_model)
    assert result.stdout.decode().startswith("probabilities float32[1, 10]")


@pytest.mark.parametrize("shape", [(28, 28), (1, 27, 28), (0, 28, 28)])
def test_a_tensor_of_another_shape_is_one_line(
    bare_model: Path, tmp_path: Path, shape: tuple[int, ...]
) -> None:
    np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
    result = predict("bare", tmp_path / "x.npy", "--models", bare_model)
    assert result.returncode == 1
    assert "must have shape [-1, 28, 28]" in complaints(result)[0]


@pytest.mark.parametrize("content", [b"", b"hello", b"\x93NUMPY\x01\x00", b"PK\x03\x04junk"])
def test_what_is_no_tensor_is_one_line(bare_model: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    result = predict("bare", tmp_path / "x.npy", "--models", bare_model)
    assert result.returncode == 1
    assert len(complaints(result)) == 1


def test_a_pickle_is_never_opened(bare_model: Path, tmp_path: Path) -> None:
    out = io.BytesIO()
    np.save(out, np.array([{"a": 1}]), allow_pickle=True)
    (tmp_path / "x.npy").write_bytes(out.getvalue())
    result = predict("bare", tmp_path / "x.npy", "--models", bare_model)
    assert result.returncode == 1
    assert "no .npy or .npz file of numbers" in complaints(result)[0]
