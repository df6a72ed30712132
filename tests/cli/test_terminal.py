"""Bars and colours on a terminal, plain lines elsewhere, and silence where that is wanted."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import RunningDaemon, drop_in
from support import ROOT
from typing_in import Terminal

PI_EDGE = [sys.executable, "-m", "pi_edge"]
PHOTO = ROOT / "docs" / "pictures" / "chelsea.jpg"
RED, GREEN, COLOUR = "\033[31m", "\033[32m", "\033["


def environ(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return {**kept, "TERM": "xterm", "PYTHONPATH": str(ROOT), **more}


def shown(*words: str, **more: str) -> str:
    """What a command shows on a terminal."""
    terminal = Terminal([*PI_EDGE, *words], environ(**more))
    terminal.end()
    return terminal.shown


def piped(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PI_EDGE, *words], capture_output=True, text=True, env=environ(**more))


@pytest.fixture
def damaged(tmp_path: Path) -> list[str]:
    """Flags of a state folder in which a model is damaged."""
    drop_in("double", tmp_path / "state" / "models", "broken").unlink()
    (tmp_path / "state" / "models" / "broken.tflite").symlink_to("nowhere")
    return ["--state", str(tmp_path / "state")]


def test_the_doctor_is_coloured_on_a_terminal(damaged: list[str]) -> None:
    said = shown("doctor", "python", "models", *damaged)
    assert f"{GREEN}ok  \033[0m  python" in said
    assert f"{RED}fail\033[0m  models" in said


@pytest.mark.parametrize("more", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_nothing_is_coloured_where_nobody_wants_it(
    damaged: list[str], more: dict[str, str]
) -> None:
    assert COLOUR not in shown("doctor", "models", *damaged, **more)


def test_an_empty_no_color_is_none(damaged: list[str]) -> None:
    assert RED in shown("doctor", "models", *damaged, NO_COLOR="")


def test_nothing_is_coloured_in_a_pipe(damaged: list[str]) -> None:
    assert COLOUR not in piped("doctor", "models", *damaged).stdout


def test_what_cannot_be_used_is_red_in_the_list_of_models(damaged: list[str]) -> None:
    assert f"{RED}unusable" in shown("models", "list", *damaged)
    assert COLOUR not in piped("models", "list", *damaged).stdout


def test_a_state_has_its_colour(daemon: RunningDaemon) -> None:
    assert f"{GREEN}ready\033[0m, up" in shown("status", "--url", daemon.url)
    assert COLOUR not in piped("status", "--url", daemon.url).stdout


BENCH = ("bench", "fire-theft", "--threads", "1")


def test_a_measurement_has_a_bar_on_a_terminal() -> None:
    said = shown(*BENCH)
    assert "fire-theft float32, 1 thread:   0%" in said
    assert "0/1" in said
    assert "1/1 fire-theft" not in said


def test_a_measurement_has_a_line_a_step_elsewhere() -> None:
    assert piped(*BENCH).stderr.startswith("1/1 fire-theft float32, 1 thread: p50")


@pytest.mark.parametrize("on_terminal", [True, False], ids=["terminal", "pipe"])
def test_a_quiet_measurement_says_nothing_but_its_table(on_terminal: bool) -> None:
    if on_terminal:
        said = shown(*BENCH, "--quiet")
        assert "0/1" not in said
    else:
        done = piped(*BENCH, "--quiet")
        said = done.stdout
        assert done.stderr == ""
    assert "fire-theft" in said


@pytest.fixture
def painted(tmp_path: Path) -> Iterator[list[str]]:
    yield ["stylize", str(PHOTO), "-o", str(tmp_path / "painted.jpg"), "--style", "udnie"]
    assert (tmp_path / "painted.jpg").exists()


def test_a_photo_has_a_bar_on_a_terminal_that_leaves_nothing(painted: list[str]) -> None:
    said = shown(*painted)
    assert "%|" in said
    assert said.endswith("\r")  # the last thing is a line that was cleared


def test_a_quiet_photo_has_none(painted: list[str]) -> None:
    assert shown(*painted, "--quiet") == ""


def test_a_photo_has_nothing_to_say_in_a_pipe(painted: list[str]) -> None:
    done = piped(*painted)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.fixture
def learning(tmp_path: Path) -> list[str]:
    rows = (
        "fires_per_1000_housing_units,thefts_per_1000_population\n6.2,25\n9.5,29\n12.2,33\n20,41\n"
    )
    (tmp_path / "rows.csv").write_text(rows)
    state = ["--state", str(tmp_path / "state")]
    return ["learn", "fire-theft", "--data", str(tmp_path / "rows.csv"), "--name", "new", *state]


def test_a_quiet_learner_says_nothing_and_learns(learning: list[str], tmp_path: Path) -> None:
    done = piped(*learning, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "state" / "models" / "new" / "model.json").exists()


def test_a_learner_tells_what_it_does(learning: list[str]) -> None:
    assert piped(*learning).stdout != ""


def test_a_quiet_verification_tells_only_what_is_wrong(tmp_path: Path) -> None:
    flags = ["--state", str(tmp_path)]
    done = piped("models", "verify", "-q", "fire-theft", *flags)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    drop_in("double", tmp_path / "models").write_bytes(b"no model")
    done = piped("models", "verify", "-q", *flags)
    assert (done.returncode, done.stdout) == (1, "")
    assert "double" in done.stderr


def test_tqdm_is_imported_for_nobody_who_sees_no_bar() -> None:
    code = (
        "import sys; from pi_edge.cli import main; main(['bench', 'fire-theft', '--threads', '1']);"
        "print('tqdm' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False"
