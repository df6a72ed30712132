"""A watched folder, as its owner sees it."""

from __future__ import annotations

import io
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from commands import Running, running
from running import running_daemon, wait_until
from support import ROOT

from pi_edge.cli import main

SEVEN = ROOT / "docs" / "pictures" / "seven.jpg"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def style_models(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "tests" / "data" / "style", tmp_path / "models" / "style")
    return tmp_path / "models"


def watching(command: Running) -> None:
    wait_until(lambda: "watching" in command.complained)


def photo(side: int = 64, seed: int = 1) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3)).astype(np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_there_and_what_comes_is_read_and_a_signal_is_the_proper_end(
    inbox: Path, number: int
) -> None:
    shutil.copy(SEVEN, inbox / "first.jpg")
    with running("watch", inbox, "--task", "digits") as command:
        assert command.lines(1)[0].startswith("first.jpg: 7  ")
        shutil.copy(SEVEN, inbox / "second.jpg")
        assert command.lines(2)[1].startswith("second.jpg: 7  ")
        assert command.stop(number) == 0
    assert json.loads((inbox / "done" / "second.jpg.json").read_text())["number"] == "7"


def test_each_file_is_a_line_of_json_where_that_is_asked_for(inbox: Path, tmp_path: Path) -> None:
    shutil.copy(SEVEN, inbox / "seven.jpg")
    out = tmp_path / "answers"
    options = ("--task", "digits", "--json", "-o", out, "--model", "mnist-mlp")
    with running("watch", inbox, *options) as command:
        (told,) = command.documents(1)
    assert (told["file"], told["model"], told["variant"]) == ("seven.jpg", "mnist-mlp", "float32")
    assert told.keys() - {"file"} == json.loads((out / "seven.jpg.json").read_text()).keys()


def test_what_was_done_is_not_done_again_after_a_restart(inbox: Path) -> None:
    shutil.copy(SEVEN, inbox / "old.jpg")
    with running("watch", inbox, "--task", "digits") as command:
        command.lines(1)
    shutil.copy(SEVEN, inbox / "new.jpg")
    with running("watch", inbox, "--task", "digits") as command:
        assert [line.split(":")[0] for line in command.lines(1)] == ["new.jpg"]


def test_a_file_that_is_still_written_is_waited_for(inbox: Path) -> None:
    contents = SEVEN.read_bytes()
    with running("watch", inbox, "--task", "digits") as command:
        watching(command)
        with (inbox / "slow.jpg").open("wb") as file:
            for at in range(0, len(contents), len(contents) // 12):
                file.write(contents[at : at + len(contents) // 12])
                file.flush()
                assert command.process.poll() is None
                _a_look_passes(command, inbox)
        assert command.lines(1)[0].startswith("slow.jpg: 7  ")
        assert "slow" not in command.complained


def _a_look_passes(command: Running, inbox: Path) -> None:
    """Until another file has been seen to be broken, which takes two looks; the slow one grows
    meanwhile."""
    probe = inbox / f"probe-{command.complained.count('probe')}.png"
    probe.write_bytes(b"no picture")
    slow = inbox / "slow.jpg"
    before = command.complained.count("probe")

    def told() -> bool:
        # Its time changes as that of a file that is being written does.
        slow.touch()
        return command.complained.count("probe") > before

    wait_until(told)


def test_a_broken_file_is_told_of_in_one_line_and_passed_over_until_it_is_whole(
    inbox: Path,
) -> None:
    (inbox / "a-broken.jpg").write_bytes(SEVEN.read_bytes()[:3000])
    shutil.copy(SEVEN, inbox / "b-whole.jpg")
    with running("watch", inbox, "--task", "digits") as command:
        assert command.lines(1)[0].startswith("b-whole.jpg")
        told = [line for line in command.complained.splitlines() if "a-broken.jpg" in line]
        assert len(told) == 1
        assert told[0].startswith("pi-edge: a-broken.jpg: ")
        shutil.copy(SEVEN, inbox / "a-broken.jpg")
        assert command.lines(2)[1].startswith("a-broken.jpg: 7  ")


def test_photos_are_painted_each_once(inbox: Path, style_models: Path, tmp_path: Path) -> None:
    (inbox / "one.jpg").write_bytes(photo())
    (inbox / "notes.txt").write_text("no photo")
    out = tmp_path / "painted"
    options = ("--task", "style", "--style", "scream", "-o", out, "--models", style_models)
    with running("watch", inbox, *options) as command:
        assert command.lines(1)[0].startswith(f"one.jpg: {out / 'one.jpg'}")
        (inbox / "two.jpg").write_bytes(photo(seed=2))
        command.lines(2)
        assert command.stop() == 0
    assert sorted(path.name for path in out.iterdir()) == ["one.jpg", "two.jpg"]
    assert PIL.Image.open(out / "one.jpg").size == (64, 64)


def test_a_photo_in_the_making_leaves_nothing_behind_when_it_is_told_to_stop(
    inbox: Path, tmp_path: Path
) -> None:
    (inbox / "large.jpg").write_bytes(photo(2000))
    out = tmp_path / "painted"
    with running("watch", inbox, "--task", "style", "--style", "udnie", "-o", out) as command:
        wait_until(lambda: out.exists() and list(out.iterdir()))  # the beginning of a picture
        assert command.stop() == 0
    assert not list(out.iterdir())


def test_the_daemon_does_the_work_where_that_is_asked_for(
    inbox: Path, style_models: Path, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "models" / "mnist-cnn", style_models / "mnist-cnn")
    (inbox / "photo.png").write_bytes(_png())
    with running_daemon(tmp_path / "daemon", "--models", str(style_models)) as daemon:
        url = ("--url", daemon.url)
        with running("watch", inbox, "--task", "style", "--style", "scream", *url) as command:
            command.lines(1)
        assert PIL.Image.open(inbox / "done" / "photo.png").format == "PNG"
        shutil.copy(SEVEN, inbox / "seven.jpg")
        out = tmp_path / "digits"
        with running("watch", inbox, "--task", "digits", "--json", "-o", out, *url) as command:
            told = {one["file"]: one for one in command.documents(2)}
        assert told["seven.jpg"]["number"] == "7"
        assert told["seven.jpg"]["id"]


def _png() -> bytes:
    stream = io.BytesIO()
    PIL.Image.open(io.BytesIO(photo())).save(stream, "PNG")
    return stream.getvalue()


def test_files_wait_for_a_daemon_that_is_away(
    inbox: Path, tmp_path: Path, unused_port: int
) -> None:
    shutil.copy(SEVEN, inbox / "seven.jpg")
    url = ("--url", f"http://127.0.0.1:{unused_port}")
    with running("watch", inbox, "--task", "digits", *url) as command:
        wait_until(lambda: "no daemon answers" in command.complained)
        with running_daemon(tmp_path / "daemon", "--port", str(unused_port)):
            assert command.lines(1)[0].startswith("seven.jpg: 7  ")


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere", "--task", "digits"], 1, "there is no folder nowhere"),
        ([".", "--task", "style"], 2, "name a --style"),
        ([".", "--task", "style", "--style", "scream", "-o", "."], 2, "need another folder"),
        ([".", "--task", "digits", "--model", "stocks"], 1, "stocks does not look at pictures"),
        ([".", "--task", "digits", "--url", "ftp://x"], 2, "--url must be as in"),
    ],
)
def test_wrong_usage_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    words: str,
) -> None:
    models = ROOT / "models"
    monkeypatch.chdir(tmp_path)
    assert main(["watch", *arguments, "--models", str(models)]) == status
    told = capfd.readouterr().err
    assert words in told
    assert told.count("\n") == 1
