"""The models folders are read without loading a model."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi_edge import catalog
from pi_edge.errors import BadInput, NotFound


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


def make_socket(path: Path) -> None:
    # Made where the name is short enough for a socket, whatever the folder of the test is called.
    before = Path.cwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(before)


STRANGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (lambda path: os.mkfifo(path), "is a pipe, not a file"),
    "socket": (make_socket, "is a socket, not a file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a link out of"),
    "link-out": (lambda path: path.symlink_to("/etc/passwd"), "is a link out of"),
    "link-up": (lambda path: path.symlink_to("../../x"), "is a link that leads nowhere"),
    "link-nowhere": (lambda path: path.symlink_to("gone"), "is a link that leads nowhere"),
    "link-to-itself": (lambda path: path.symlink_to(path.name), "is a link that leads nowhere"),
}


@pytest.mark.parametrize("kind", STRANGE)
@pytest.mark.parametrize("place", ["bare", "variant", "model.json"])
def test_what_is_no_file_is_a_problem_and_is_never_opened(
    tmp_path: Path, kind: str, place: str
) -> None:
    models = tmp_path / "models"
    good = model(models, "good")
    path = {
        "bare": models / "bad.tflite",
        "variant": models / "bad" / "float32.tflite",
        "model.json": models / "bad" / "model.json",
    }[place]
    if place != "bare":
        model(models, "bad")
        path.unlink()
    make, words = STRANGE[kind]
    make(path)
    # In a process of its own: waiting for a pipe would be for ever.
    code = (
        "import sys; from pathlib import Path; from pi_edge import catalog;"
        " found, problems = catalog.find(Path(sys.argv[1]));"
        " print(list(found), problems['bad'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(models)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith(f"['{good.name}'] "), done.stderr
    assert words in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_folder_where_a_file_should_be_is_a_problem(tmp_path: Path) -> None:
    (model(tmp_path, "bad") / "model.json").unlink()
    (tmp_path / "bad" / "model.json").mkdir()
    assert "is a folder, not a file" in catalog.find(tmp_path)[1]["bad"]


def test_a_link_to_a_models_folder_elsewhere_is_a_problem(tmp_path: Path) -> None:
    elsewhere = model(tmp_path / "elsewhere", "mine")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine").symlink_to(elsewhere)
    entries, problems = catalog.find(tmp_path / "models")
    assert entries == {}
    assert "is a link out of" in problems["mine"]


def test_links_within_a_models_folder_are_followed(tmp_path: Path) -> None:
    path = model(tmp_path, "digit")
    (path / "float32.tflite").rename(path / "real")
    (path / "float32.tflite").symlink_to("real")
    (tmp_path / "one.tflite").write_bytes(b"x")
    (tmp_path / "two.tflite").symlink_to("one.tflite")
    entries, problems = catalog.find(tmp_path)
    assert (sorted(entries), problems) == (["digit", "one", "two"], {})


def test_a_models_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    model(tmp_path / "release", "digit")
    (tmp_path / "current").symlink_to("release")
    assert list(catalog.find(tmp_path / "current")[0]) == ["digit"]


def test_a_folder_and_a_file_of_one_name_are_a_problem(tmp_path: Path) -> None:
    model(tmp_path, "x")
    (tmp_path / "x.tflite").write_bytes(b"x")
    entries, problems = catalog.find(tmp_path)
    assert entries == {}
    assert problems["x"] == f"x and x.tflite in {tmp_path} are one name: remove one of them"


def test_a_file_of_the_owners_stands_in_for_a_shipped_folder(tmp_path: Path) -> None:
    model(tmp_path / "shipped", "x")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "x.tflite").write_bytes(b"x")
    entries, problems = catalog.find(tmp_path / "shipped", tmp_path / "own")
    assert (entries["x"].task, problems) == ("tensors", {})


@pytest.mark.parametrize("raw", [b"two\nlines", b"\xff\xfe", b"bell\x07", "\u202etxt".encode()])
def test_a_name_that_cannot_be_shown_is_a_problem_that_can(tmp_path: Path, raw: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw + b".tflite"))).write_bytes(b"x")
    entries, problems = catalog.find(tmp_path)
    ((name, reason),) = problems.items()
    assert entries == {}
    assert name.isprintable()
    assert name.isascii()
    assert "no model can be called" in reason
    assert reason.isprintable()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "is nested too deeply"),
        ('"' + "x" * 17_000_000 + '"', "has more than 16777216 bytes"),
        ('{"name": 1, "default": "a", "variants": {}}', "must be text"),
        ('{"name": "bad", "default": [], "variants": {}}', "must be text"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": 7}}}', "must be text"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": ""}}}', "not beside it"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": ".."}}}', "not beside it"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": "."}}}', "not beside it"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": "/etc/passwd"}}}', "passwd"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": "x\\u0000"}}}', "beside it"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": "\\ud800"}}}', "model.json"),
        ('{"name": "bad", "default": "a/b", "variants": {"a/b": {"file": "f"}}}', "called 'a/b'"),
        ('{"name": "bad", "default": "a", "variants": {"a": {"file": "f"}}, "styles": 1}', "texts"),
    ],
)
def test_a_model_json_made_to_do_harm_is_a_problem_in_one_line(
    tmp_path: Path, text: str, words: str
) -> None:
    model(tmp_path, "good")
    (model(tmp_path, "bad") / "model.json").write_text(text)
    entries, problems = catalog.find(tmp_path)
    assert list(entries) == ["good"]
    assert words in problems["bad"]
    assert problems["bad"].isprintable()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("bad", "may not be entered"),
        ("bad/model.json", "may not be read"),
        ("bad/float32.tflite", "may not be read"),
        ("bad.tflite", "may not be read"),
    ],
)
def test_what_may_not_be_read_is_a_problem(tmp_path: Path, part: str, words: str) -> None:
    models = tmp_path / "models"
    if part == "bad.tflite":
        models.mkdir()
        (models / part).write_bytes(b"x")
    else:
        model(models, "bad")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    (models / part).chmod(0)
    code = (
        "import os, sys; from pathlib import Path; from pi_edge import catalog; os.setuid(65534);"
        " print(catalog.find(Path(sys.argv[1]))[1]['bad'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(models)], capture_output=True, text=True, timeout=60
    )
    assert words in done.stdout, done.stderr


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", ".hidden", "/etc"])
def test_no_name_leads_out_of_the_models_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "x").mkdir()
    assert catalog.folder(name, tmp_path / "models") is None
    with pytest.raises(BadInput, match="no model can be called"):
        catalog.place(tmp_path / "models", name)


def test_a_model_is_not_put_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("/etc")
    (tmp_path / "y.tflite").symlink_to("/etc/passwd")
    for name, suffix in (("x", ""), ("x", ".tflite"), ("y", ""), ("y", ".tflite")):
        with pytest.raises(BadInput, match="is a link"):
            catalog.place(tmp_path, name, suffix)


def test_a_model_is_not_put_beside_another_of_its_name(tmp_path: Path) -> None:
    model(tmp_path, "x")
    (tmp_path / "y.tflite").write_bytes(b"x")
    for name, suffix in (("x", ".tflite"), ("y", "")):
        with pytest.raises(BadInput, match="has the same name"):
            catalog.place(tmp_path, name, suffix)
    assert catalog.place(tmp_path, "x") == tmp_path / "x"
    assert catalog.place(tmp_path, "y", ".tflite") == tmp_path / "y.tflite"
