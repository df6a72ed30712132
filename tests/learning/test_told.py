"""What a learner tells, and that there is one: locks of real processes."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import asdict
from math import inf, nan
from pathlib import Path

import pytest
from another_learner import another_learner
from support import ROOT

from pi_edge.errors import Unavailable
from pi_edge.learning import told


def test_nobody_learns_where_nobody_ever_did(tmp_path: Path) -> None:
    assert told.read(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_who_has_only_begun_is_told_of_by_name(tmp_path: Path) -> None:
    with told.learning(tmp_path, "mine"):
        read = told.read(tmp_path)
    assert read
    assert (read.name, read.epoch, read.loss, read.pid) == ("mine", 0, None, os.getpid())
    assert told.in_words(asdict(read)) == "learning mine"


def test_what_a_learner_told_is_read(tmp_path: Path) -> None:
    with told.learning(tmp_path, "mine") as tell:
        tell(epoch=2, epochs=5, loss=0.25, accuracy=0.9, seconds_left=12.0)
        read = told.read(tmp_path)
    assert read
    assert read.since >= 0
    words = "learning mine, epoch 2 of 5, loss 0.2500, accuracy 90.00%, 12 s left"
    assert told.in_words(asdict(read)) == words


def test_when_it_is_done_nobody_learns(tmp_path: Path) -> None:
    with told.learning(tmp_path, "mine"):
        pass
    assert told.read(tmp_path) is None
    assert [path.name for path in (tmp_path / "learning").iterdir()] == ["lock"]


def test_one_that_failed_leaves_room_for_the_next(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bad data"), told.learning(tmp_path, "mine"):
        raise ValueError("bad data")
    assert told.read(tmp_path) is None
    with told.learning(tmp_path, "next"):
        pass


def test_telling_often_writes_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    seen = []
    with told.learning(tmp_path, "mine") as tell:
        for epoch in range(1, 101):
            tell(epoch=epoch, epochs=100)
            read = told.read(tmp_path)
            assert read
            seen.append(read.epoch)
            clock[0] += 0.25
    assert sorted(set(seen)) == list(range(1, 101, 8))  # 2 s apart
    assert seen[:9] == [1] * 8 + [9]


@pytest.mark.parametrize("loss", [nan, inf])
def test_a_loss_that_is_no_number_is_told_as_none(tmp_path: Path, loss: float) -> None:
    with told.learning(tmp_path, "mine") as tell:
        tell(epoch=1, epochs=1, loss=loss)
        read = told.read(tmp_path)
    assert read
    assert read.loss is None


def test_a_second_learner_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with another_learner(tmp_path, "theirs", epoch=1, epochs=5, loss=0.5) as first:
        with pytest.raises(Unavailable) as refused, told.learning(tmp_path, "mine"):
            pass
        assert "\n" not in str(refused.value)
        assert str(refused.value).startswith(f"theirs is being learned (process {first.pid})")
        assert f"kill {first.pid}" in str(refused.value)
        read = told.read(tmp_path)
    assert read
    assert read.name == "theirs"


def test_one_that_was_killed_does_not_learn_any_more(tmp_path: Path) -> None:
    with another_learner(tmp_path, "theirs", epoch=1, epochs=5, loss=0.5) as first:
        assert told.read(tmp_path)
        first.kill()
        first.wait()
    assert (tmp_path / "learning" / "progress.json").exists()
    assert told.read(tmp_path) is None
    with told.learning(tmp_path, "mine"):
        read = told.read(tmp_path)
    assert read
    assert (read.name, read.epoch) == ("mine", 0)


def test_a_reader_that_holds_the_lock_for_a_moment_turns_no_learner_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "learning"
    folder.mkdir()
    (folder / "lock").touch()
    reader = os.open(folder / "lock", os.O_RDONLY)
    fcntl.flock(reader, fcntl.LOCK_SH)
    monkeypatch.setattr("time.sleep", lambda seconds: os.close(reader))
    with told.learning(tmp_path, "mine"):
        assert told.read(tmp_path)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"null",
        b"{}",
        b"\xff",
        json.dumps({"name": "x", "epoch": "one", "epochs": 1, "pid": 1, "began": 0}).encode(),
    ],
)
def test_what_cannot_be_read_tells_nothing(tmp_path: Path, contents: bytes) -> None:
    with told.learning(tmp_path, "mine"):
        (tmp_path / "learning" / "progress.json").write_bytes(contents)
        assert told.read(tmp_path) is None


def test_a_disk_without_room_does_not_end_the_learner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, text: str) -> int:
        raise OSError(28, "No space left on device")

    with told.learning(tmp_path, "mine") as tell:
        monkeypatch.setattr(Path, "write_text", full)
        tell(epoch=1, epochs=1)
        read = told.read(tmp_path)
    assert read
    assert read.epoch == 0


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys; import pi_edge.learning.told; print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    heavy = ("'numpy'", "'asyncio'", "'tqdm'", "'ai_edge_litert'", "'tflite_runtime'")
    assert [name for name in heavy if name in done.stdout] == []
