"""Families of models: what a word on the command line stands for, and how a family is trained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pi_edge import cli
from pi_edge.desktop import families
from pi_edge.errors import NotFound, Unavailable, WrongUsage

# A family of two models and of those somebody named; its training tells what it was given, and
# in which process. spawn imports the command anew in each child: so this stands in a file.
TREES = """
from pi_edge.desktop.flags import SEED, flag

NAMES = ("oak", "elm")
FLAGS = {"train": {"seed": SEED, "trouble": flag("--trouble", metavar="NAME", help="fells it")}}

def owned(folders):
    return [path.stem for folder in folders for path in sorted(folder.glob("*.tree"))]
"""
TRAIN = """
import os, signal
from pi_edge.errors import BadInput

def train(name, *, state, seed=0, trouble=""):
    if name == trouble:
        raise BadInput(f"{name} has no leaves: wait for spring")
    if trouble == "storm":
        os.kill(os.getpid(), signal.SIGKILL)
    print(name, seed, state, os.getpid(), flush=True)
"""
COMMAND = """
import sys
from pi_edge.cli import main, train
from pi_edge.desktop import families

families.FAMILIES = {"trees": "trees"}
train.NEEDED = ()
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A family "trees" and no other; the folder its package and the command are in."""
    package = tmp_path / "trees"
    package.mkdir()
    (package / "__init__.py").write_text(TREES)
    (package / "train.py").write_text(TRAIN)
    (tmp_path / "command.py").write_text(COMMAND)
    monkeypatch.setattr(families, "FAMILIES", {"trees": "trees"})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "trees", raising=False)
    return tmp_path


def train(trees: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(trees / "command.py"), "train", *arguments]
    return subprocess.run(
        [*command, "--state", str(trees / "state")], capture_output=True, text=True
    )


def test_a_family_stands_for_all_its_models_and_a_model_for_itself(tmp_path: Path) -> None:
    names = ["mnist-linear", "mnist-mlp", "mnist-flux-cnn", "mnist-cnn"]
    assert families.resolve("mnist", [tmp_path]) == ("mnist", names)
    assert families.resolve("mnist-cnn", [tmp_path]) == ("mnist", ["mnist-cnn"])


def test_a_family_called_as_its_only_model_is_that_model(tmp_path: Path) -> None:
    assert families.resolve("fire-theft", [tmp_path]) == ("fire-theft", ["fire-theft"])


def test_an_unknown_word_is_answered_with_all_that_is_known(trees: Path) -> None:
    (trees / "old-ash.tree").touch()
    with pytest.raises(NotFound) as refused:
        families.resolve("beech", [trees])
    assert str(refused.value) == (
        "no family or model is called 'beech'; there are trees, oak, elm, old-ash"
    )


def test_a_model_somebody_named_is_its_family_s(trees: Path) -> None:
    (trees / "old-ash.tree").touch()
    assert families.resolve("old-ash", [trees]) == ("trees", ["old-ash"])
    assert families.resolve("trees", [trees]) == ("trees", ["oak", "elm", "old-ash"])


def test_a_new_name_is_the_only_one_of_its_family(trees: Path) -> None:
    assert families.resolve("trees", [trees], new="beech") == ("trees", ["beech"])


def test_a_family_whose_models_all_have_names_of_one_s_own_says_how_to_make_one(
    tmp_path: Path,
) -> None:
    with pytest.raises(WrongUsage, match="pi-edge train regression --name NAME makes one"):
        families.resolve("regression", [tmp_path])


@pytest.mark.parametrize("command", ["train", "convert", "verify"])
def test_that_is_one_line_and_wrong_usage(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, "regression", "--state", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "pi-edge: there is no regression model yet: pi-edge train regression --name NAME makes one"
        "\n"
    )


@pytest.mark.parametrize("command", ["train", "convert", "verify"])
def test_every_family_can_be_trained_converted_and_verified(command: str) -> None:
    assert list(families.flags(command)) == list(families.FAMILIES)


def test_only_families_with_a_drawing_can_be_plotted() -> None:
    assert list(families.flags("plot")) == ["stocks", "fire-theft"]


def test_a_step_without_its_package_says_what_to_install() -> None:
    with pytest.raises(Unavailable) as refused:
        families.desktop_step("mnist", "plot", "sys", "no_such_package")
    assert str(refused.value) == (
        "pi-edge plot runs on a desktop and needs no_such_package, which is not installed: "
        "pip install 'pi-edge[desktop]'"
    )


def test_a_family_is_trained_model_by_model_each_in_a_process_of_its_own(trees: Path) -> None:
    done = train(trees, "trees", "--seed", "7")
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines()]
    assert [words[:3] for words in told] == [
        ["oak", "7", str(trees / "state")],
        ["elm", "7", str(trees / "state")],
    ]
    assert told[0][3] != told[1][3]


def test_one_model_is_trained_alone(trees: Path) -> None:
    done = train(trees, "elm")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:2] == ["elm", "0"]


@pytest.mark.parametrize("word", ["trees", "elm"], ids=["in a process of its own", "alone"])
def test_a_quiet_training_says_nothing(trees: Path, word: str) -> None:
    done = train(trees, word, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_quiet_training_still_says_what_does_not_work(trees: Path) -> None:
    done = train(trees, "trees", "--quiet", "--trouble", "oak")
    assert done.returncode == 1
    assert done.stderr == "pi-edge: oak has no leaves: wait for spring\n"


@pytest.mark.parametrize(("trouble", "trained"), [("oak", []), ("elm", ["oak"])])
def test_a_training_that_does_not_work_is_one_line_and_ends_the_family_s(
    trees: Path, trouble: str, trained: list[str]
) -> None:
    done = train(trees, "trees", "--trouble", trouble)
    assert done.returncode == 1
    assert done.stderr == f"pi-edge: {trouble} has no leaves: wait for spring\n"
    assert [line.split()[0] for line in done.stdout.splitlines()] == trained


def test_a_training_that_the_system_ends_is_told_in_one_line(trees: Path) -> None:
    done = train(trees, "trees", "--trouble", "storm")
    assert done.returncode == 1
    assert done.stderr == (
        "pi-edge: the training of oak was ended by SIGKILL (was all memory taken?):"
        " the same command goes on from here\n"
    )


def test_training_a_new_regression_asks_for_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "training" / "mine").mkdir(parents=True)
    (tmp_path / "training" / "mine" / "regression.npz").touch()
    assert cli.main(["train", "regression", "--state", str(tmp_path), "--target", "y"]) == 2
    assert "--name NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "name"), [("regression", "mine"), ("style", None), ("mnist", None), ("mine", None)]
)
def test_a_name_is_a_new_model_s_only_where_the_family_means_that(
    word: str, name: str | None
) -> None:
    assert families.new_name("train", word, "mine") == name
