"""pi-edge examples list, export and remove."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pi_edge.cli import main
from pi_edge.examples import Digit, Examples


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with a four, a seven that was taken for a one, and another four."""
    digits = [Digit(bytes([n]) * 784, label, 1) for n, label in enumerate((4, 7, 4))]
    (tmp_path / "state").mkdir()
    assert Examples(tmp_path / "state").add("mnist-cnn", digits) == [1, 2, 3]
    return tmp_path / "state"


def labels(state: Path) -> list[int]:
    return [one.label for one in Examples(state).find()]


def test_list_has_a_line_for_each_and_counts_them(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["examples", "list", "--state", str(state)]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["4", "3"], ["4", "1"], ["7", "2"]]
    assert lines[2].endswith("mnist-cnn read 1")
    assert last == "3 examples: 2 of 4, 1 of 7"


def test_list_can_be_of_one_label_or_of_the_newest(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["examples", "list", "--label", "7", "--state", str(state)]) == 0
    assert capsys.readouterr().out.endswith("\n1 example: 1 of 7\n")
    assert main(["examples", "list", "--newest", "2", "--state", str(state)]) == 0
    assert capsys.readouterr().out.endswith("\n2 examples: 1 of 4, 1 of 7\n")


def test_list_as_json_is_one_document(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examples", "list", "--json", "--state", str(state)]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one.pop("came")[-1] for one in listed] == ["Z"] * 3
    told = {"answered": 1, "model": "mnist-cnn"}
    assert listed == [{"id": i, "label": n, **told} for i, n in ((3, 4), (1, 4), (2, 7))]


def test_list_of_none_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examples", "list", "--state", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "0 examples\n"


def test_export_writes_a_folder_a_label(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    assert main(["examples", "export", str(folder), "--state", str(state)]) == 0
    assert capsys.readouterr().out == f"3 examples written to {folder}\n"
    written = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))
    assert written == ["4/1.png", "4/3.png", "7/2.png"]


def test_export_over_something_is_refused_in_one_line(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["examples", "export", str(tmp_path), "--state", str(state)]) == 1
    error = capsys.readouterr().err
    assert error == f"pi-edge: there is a {tmp_path} already: name a new folder\n"


@pytest.mark.parametrize(
    ("which", "removed", "left"),
    [(["1", "2"], 2, [4]), (["--label", "4"], 2, [7]), (["--all"], 3, []), (["3"], 1, [4, 7])],
)
def test_remove_takes_what_is_named(
    state: Path,
    capsys: pytest.CaptureFixture[str],
    which: list[str],
    removed: int,
    left: list[int],
) -> None:
    assert main(["examples", "remove", *which, "--state", str(state)]) == 0
    assert capsys.readouterr().out == f"{removed} example{'s' * (removed > 1)} removed\n"
    assert labels(state) == left


@pytest.mark.parametrize("which", [[], ["1", "--all"], ["--all", "--label", "4"]])
def test_remove_wants_to_know_which(
    state: Path, capsys: pytest.CaptureFixture[str], which: list[str]
) -> None:
    assert main(["examples", "remove", *which, "--state", str(state)]) == 2
    assert "say which" in capsys.readouterr().err
    assert labels(state) == [4, 4, 7]


def test_remove_of_an_unknown_one_removes_none(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["examples", "remove", "1", "999", "--state", str(state)]) == 1
    assert "there is no example 999: nothing was removed" in capsys.readouterr().err
    assert labels(state) == [4, 4, 7]


@pytest.mark.parametrize("number", ["0", "-1", "x", "1" * 30])
def test_what_is_no_id_is_wrong_usage(state: Path, number: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["examples", "remove", "--state", str(state), number])
    assert ended.value.code == 2
