"""Models come among the owner's own, go, and come back: whole, whenever it is interrupted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from killing import killed_at_random
from running import DATA, drop_in, install

from pi_edge import adding, catalog, files, model_json, verification
from pi_edge.errors import BadInput, NotFound

MLP, LINEAR = "mnist-mlp", "mnist-linear"


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    return tmp_path / "owned"


@pytest.fixture
def versions(tmp_path: Path, shipped_models: Path) -> tuple[Path, Path]:
    """Two models of one name: the second has other files."""
    first = Path(shutil.copytree(shipped_models / MLP, tmp_path / "first" / MLP))
    second = Path(shutil.copytree(shipped_models / LINEAR, tmp_path / "second" / MLP))
    path = second / "model.json"
    path.write_text(path.read_text().replace(LINEAR, MLP))
    return first, second


def test_what_was_replaced_comes_back_and_goes_again(
    owned: Path, versions: tuple[Path, Path]
) -> None:
    first, second = versions
    assert adding.add(first, owned) == MLP
    adding.add(second, owned)
    assert same(owned / MLP, second)
    adding.roll_back(MLP, owned)
    assert same(owned / MLP, first)
    adding.roll_back(MLP, owned)
    assert same(owned / MLP, second)


def test_what_was_removed_comes_back(owned: Path, versions: tuple[Path, Path]) -> None:
    adding.add(versions[0], owned)
    adding.remove(MLP, owned)
    assert catalog.find(owned) == ({}, {})
    adding.roll_back(MLP, owned)
    assert same(owned / MLP, versions[0])


def test_a_bare_file_is_replaced_and_comes_back(owned: Path, tmp_path: Path) -> None:
    adding.add(drop_in("double", tmp_path, "mine"), owned)
    adding.add(drop_in("triple", tmp_path, "mine"), owned)
    assert (owned / "mine.tflite").read_bytes() == (DATA / "triple.tflite").read_bytes()
    adding.roll_back("mine", owned)
    assert (owned / "mine.tflite").read_bytes() == (DATA / "double.tflite").read_bytes()


@pytest.mark.parametrize("name", ["nobody", "..", "a/b", ".previous", ""])
def test_what_is_not_there_is_neither_removed_nor_brought_back(owned: Path, name: str) -> None:
    owned.mkdir()
    with pytest.raises(NotFound):
        adding.remove(name, owned)
    with pytest.raises(NotFound, match="nothing is kept"):
        adding.roll_back(name, owned)


def test_a_model_that_fails_its_check_is_not_added(owned: Path, tmp_path: Path) -> None:
    wrong = {"inputs": {"x": [[1, 2, 3]]}, "outputs": {"y": [[0, 0, 0]]}}
    folder = install("double", tmp_path, check=wrong)
    with pytest.raises(BadInput):
        adding.add(folder, owned)
    assert not owned.exists() or catalog.find(owned) == ({}, {})


def test_the_daemons_group_can_read_and_replace_what_was_added(
    owned: Path, versions: tuple[Path, Path]
) -> None:
    adding.add(versions[0], owned)
    assert (owned / MLP).stat().st_mode & 0o7777 == 0o2775
    assert all(path.stat().st_mode & 0o777 == 0o664 for path in (owned / MLP).iterdir())


def test_the_group_is_let_in_also_where_nobody_may_ask_for_the_setgid_bit(
    owned: Path, versions: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the sandbox of a learner, whose umask is 007."""
    chmod = Path.chmod

    def refuse(path: Path, mode: int) -> None:
        if mode & 0o6000:
            raise PermissionError(1, "Operation not permitted")
        chmod(path, mode)

    owned.mkdir()
    owned.chmod(0o2770)
    monkeypatch.setattr(Path, "chmod", refuse)
    before = os.umask(0o007)
    try:
        adding.add(versions[0], owned)
    finally:
        os.umask(before)
    assert (owned / MLP).stat().st_mode & 0o7777 == 0o2770


def test_what_a_killed_command_left_is_swept_away(owned: Path, versions: tuple[Path, Path]) -> None:
    left = owned / ".adding.xyz"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"half")
    adding.add(versions[0], owned)
    assert not left.exists()


ADDING = """
from pathlib import Path
from pi_edge import adding, proving
adding._try = lambda models: None  # the trial takes long and changes nothing
adding.verify_files = lambda folder: []
while True:
    for version in ("first", "second"):
        adding.add(Path(version) / "mnist-mlp", Path("owned"))
        Path("begun").touch()
    adding.roll_back("mnist-mlp", Path("owned"))
"""


def test_killed_at_any_moment_the_old_model_is_there_or_the_new_one(
    owned: Path, versions: tuple[Path, Path], tmp_path: Path
) -> None:
    for _ in killed_at_random(ADDING, 10, 0.2, tmp_path):
        whole(owned, versions)
    assert len(list((owned / ".previous").iterdir())) <= 1


PUBLISHING = """
import itertools, json, shutil
from pathlib import Path
from pi_edge import model_json
for version in itertools.cycle(["first", "second"]):
    source = Path(version) / "mnist-mlp"
    with model_json.scratch(Path("owned") / "mnist-mlp") as made:
        for path in source.iterdir():
            shutil.copy(path, made)
        document = json.loads((source / "model.json").read_text())
        model_json.publish(made, Path("owned") / "mnist-mlp", document)
    Path("begun").touch()
"""


def test_a_conversion_killed_at_any_moment_leaves_the_old_model_or_the_new_one(
    owned: Path, versions: tuple[Path, Path], tmp_path: Path
) -> None:
    for _ in killed_at_random(PUBLISHING, 10, 0.2, tmp_path):
        whole(owned, versions)


def test_a_conversion_keeps_what_else_lies_in_the_folder(tmp_path: Path) -> None:
    folder = install("double", tmp_path)
    (folder / "notes.txt").write_text("mine")
    (folder / "old.tflite").write_bytes(b"of an earlier conversion")
    with model_json.scratch(folder) as made:
        shutil.copy(DATA / "triple.tflite", made / "v1.tflite")
        model_json.publish(made, folder, {"name": "double"})
    assert {path.name for path in folder.iterdir()} == {"model.json", "notes.txt", "v1.tflite"}
    assert (folder / "v1.tflite").read_bytes() == (DATA / "triple.tflite").read_bytes()
    assert json.loads((folder / "model.json").read_text()) == {"name": "double"}


def same(one: Path, other: Path) -> bool:
    return contents(one) == contents(other)


def contents(folder: Path) -> dict[str, str]:
    documents = {path.name: files.sha256(path) for path in folder.glob("*.*[!n]")}
    return documents | {"model.json": str(json.loads((folder / "model.json").read_text()))}


def whole(owned: Path, versions: tuple[Path, Path]) -> None:
    """Exactly one of the versions is what a daemon would now find."""
    entries, problems = catalog.find(owned)
    assert problems == {}
    assert list(entries) == [MLP]
    assert contents(owned / MLP) in [contents(version) for version in versions]
    assert verification.compare(owned / MLP, entries[MLP].info["check"]) == []


def test_a_shipped_model_comes_back_where_nothing_else_is_kept(
    owned: Path, versions: tuple[Path, Path]
) -> None:
    shipped = versions[0].parent
    adding.add(versions[1], owned)
    adding.roll_back(MLP, owned, shipped)
    assert catalog.find(owned) == ({}, {})
    adding.roll_back(MLP, owned, shipped)
    assert same(owned / MLP, versions[1])


def test_what_only_the_owner_has_is_not_taken_away_as_if_there_were_another(
    owned: Path, versions: tuple[Path, Path], tmp_path: Path
) -> None:
    adding.add(versions[0], owned)
    with pytest.raises(NotFound, match="nothing is kept"):
        adding.roll_back(MLP, owned, tmp_path / "nothing shipped")
    assert same(owned / MLP, versions[0])
