"""The models folders are read without loading a model."""

import json
from pathlib import Path
from typing import Any

import pytest

from pi_edge import catalog
from pi_edge.errors import NotFound


def model(folder: Path, name: str, /, **changes: Any) -> Path:
    """A model folder with one variant, or as ``changes`` to its model.json say."""
    path = folder / name
    path.mkdir(parents=True)
    info = {
        "name": name,
        "task": "digits",
        "default": "float32",
        "variants": {"float32": {"file": "float32.tflite"}},
    } | changes
    (path / "model.json").write_text(json.dumps(info))
    (path / "float32.tflite").write_bytes(b"x")
    return path


def test_a_folder_with_a_model_json_is_a_model(tmp_path: Path) -> None:
    path = model(tmp_path, "digit")
    entries, problems = catalog.find(tmp_path)
    assert entries["digit"].task == "digits"
    assert entries["digit"].file() == ("float32", path / "float32.tflite")
    assert problems == {}


def test_a_bare_file_is_a_model_of_task_tensors_with_variant_default(tmp_path: Path) -> None:
    (tmp_path / "mine.tflite").write_bytes(b"x")
    entry = catalog.find(tmp_path)[0]["mine"]
    assert (entry.task, entry.default, list(entry.files)) == ("tensors", "default", ["default"])


def test_the_owners_model_wins_over_a_shipped_one_of_the_same_name(tmp_path: Path) -> None:
    model(tmp_path / "shipped", "digit")
    own = model(tmp_path / "own", "digit")
    entries, _ = catalog.find(tmp_path / "shipped", tmp_path / "own")
    assert entries["digit"].files["float32"].parent == own


def test_a_folder_that_does_not_exist_holds_nothing(tmp_path: Path) -> None:
    assert catalog.find(tmp_path / "none") == ({}, {})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "other"}, "names the model 'other'"),
        ({"default": "int8"}, "has no variant 'int8', which it calls the default"),
        ({"variants": {"float32": {"file": "gone.tflite"}}}, "gone.tflite, which is not beside it"),
        ({"variants": {"float32": {"file": "../../x"}}}, "which is not beside it"),
        ({"variants": 7}, "is not a model.json"),
        ({"default": ["float32"]}, "is not a model.json"),
        ({"task": None}, "is not a model.json"),
        ({"labels": ["\ud800"]}, "is not a model.json"),
        ({"variants": {"float32": {"file": "n" * 300}}}, "which is not beside it"),
    ],
)
def test_a_model_json_that_cannot_be_true_is_a_problem_and_harms_no_other(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    model(tmp_path, "bad", **changes)
    model(tmp_path, "good")
    entries, problems = catalog.find(tmp_path)
    assert list(entries) == ["good"]
    assert words in problems["bad"]


def test_a_broken_model_of_the_owner_hides_the_shipped_one_and_says_why(tmp_path: Path) -> None:
    model(tmp_path / "shipped", "digit")
    (model(tmp_path / "own", "digit") / "model.json").write_text("{")
    entries, problems = catalog.find(tmp_path / "shipped", tmp_path / "own")
    assert entries == {}
    assert "is not a model.json" in problems["digit"]


def test_an_unknown_model_or_variant_is_answered_with_what_there_is(tmp_path: Path) -> None:
    model(tmp_path, "digit")
    entries, _ = catalog.find(tmp_path)
    with pytest.raises(NotFound, match="there is no model 'x'; there are digit"):
        catalog.pick(entries, "x")
    with pytest.raises(NotFound, match="digit has no variant 'y'; it has float32"):
        entries["digit"].file("y")


def test_a_model_json_nested_too_deep_is_a_problem_and_harms_no_other(tmp_path: Path) -> None:
    (model(tmp_path, "bad") / "model.json").write_text("[" * 100_000)
    model(tmp_path, "good")
    entries, problems = catalog.find(tmp_path)
    assert list(entries) == ["good"]
    assert "is not a model.json" in problems["bad"]
