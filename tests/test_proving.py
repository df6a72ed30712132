"""Loading model files without risking the process that serves."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import drop_in

from pi_edge import files, proving
from pi_edge.errors import PiEdgeError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return drop_in("double", tmp_path)


def python_that(does: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let children be a script instead of Python."""
    script = folder / "python"
    script.write_text(f"#!/bin/sh\n{does}\n")
    script.chmod(0o755)
    monkeypatch.setattr(proving.sys, "executable", str(script))


def test_a_file_that_is_what_was_told_is_not_tried_in_a_child(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "try_in_child", lambda *args: pytest.fail("a child"))
    assert proving.load(file, 1, files.sha256(file)).inputs[0].name == "x"


def test_a_file_that_nothing_is_told_of_is_tried_in_a_child(file: Path) -> None:
    assert proving.load(file, 1, None).inputs[0].name == "x"


def test_a_file_that_kills_its_process_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python_that("kill -ABRT $$", file.parent, monkeypatch)
    with pytest.raises(PiEdgeError, match=r"takes down the process that runs it \(SIGABRT\)"):
        proving.load(file, 1, None)


def test_a_file_that_never_finishes_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python_that("exec sleep 600", file.parent, monkeypatch)
    with pytest.raises(PiEdgeError, match=r"within 0\.2 s"):
        proving.load(file, 1, None, time_limit=0.2)


def test_the_childs_reason_is_passed_on(tmp_path: Path) -> None:
    file = drop_in("same-complex64", tmp_path)
    with pytest.raises(PiEdgeError, match="complex64"):
        proving.try_in_child(file, 1, proving.TIME_LIMIT)


def test_a_file_other_than_told_is_refused(file: Path) -> None:
    with pytest.raises(PiEdgeError, match="copy it again"):
        proving.load(file, 1, "0" * 64)
