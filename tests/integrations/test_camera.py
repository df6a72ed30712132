"""Frames through a model: ffmpeg's own test pictures, videos and folders stand in for a camera."""

from __future__ import annotations

import io
import json
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from commands import running
from films import film
from running import install, running_daemon, wait_until
from support import ROOT

from pi_edge.cli import main
from pi_edge.errors import PiEdgeError
from pi_edge.integrations import camera
from pi_edge.integrations.camera import Film, next_part


def never() -> bool:
    return False


def test_a_video_is_read_frame_by_frame(
    seven_film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["camera", "--source", str(seven_film), "--json", "--count", "3"]) == 0
    told = capsys.readouterr()
    documents = [json.loads(line) for line in told.out.splitlines()]
    assert [one["number"] for one in documents] == ["7", "7", "7"]
    assert [one["frame"] for one in documents] == [1, 2, 3]
    assert "frames looked at: 3" in told.err


def test_every_frame_of_a_film_is_given_out_or_counted_as_dropped(seven_film: Path) -> None:
    source = Film(["-i", str(seven_film)], "film")
    try:
        first = source.frame(never)
        wait_until(lambda: source._over)  # all of it has come while one frame was looked at
        last = source.frame(never)
        assert first
        assert last
        assert source.frame(never) is None
        assert 2 + source.dropped == 20
    finally:
        source.close()


def test_who_wants_a_fresh_frame_gets_none_that_was_there_before() -> None:
    colours = "color=black:size=64x64:rate=10:duration=1[a];color=white:size=64x64:rate=10[b]"
    graph = f"{colours};[a][b]concat=n=2"
    source = Film(["-re", "-f", "lavfi", "-i", graph], "colours")
    try:
        assert _brightness(source.frame(never)) < 10
        wait_until(lambda: _brightness(source.frame(never)) > 240)
        before = source.dropped
        wait_until(lambda: source._newest)
        assert _brightness(source.frame(never, fresh=True)) > 240
        assert source.dropped > before
    finally:
        source.close()


def _brightness(frame: camera.Frame | None) -> float:
    assert frame
    return float(np.asarray(PIL.Image.open(io.BytesIO(frame.data)).convert("L")).mean())


def test_frames_are_whole_pictures_of_the_size_that_the_camera_has() -> None:
    source = Film(["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=5:duration=1"], "test")
    try:
        while frame := source.frame(never):
            assert PIL.Image.open(io.BytesIO(frame.data)).size == (1280, 720)
            last = frame
        PIL.Image.open(io.BytesIO(last.data)).load()
    finally:
        source.close()


def test_a_camera_that_goes_away_is_told_of_with_ffmpegs_reason() -> None:
    with pytest.raises(PiEdgeError, match="shows no more"):
        _exhaust(Film(["-f", "lavfi", "-i", "testsrc=duration=1"], "camera", endless=True))
    with pytest.raises(PiEdgeError, match=r"/dev/null shows no more .Inappropriate ioctl"):
        _exhaust(camera.open_source("/dev/null"))  # a device, but no camera


def _exhaust(source: camera.Source) -> None:
    try:
        while source.frame(never):
            pass
    finally:
        source.close()


def test_who_waits_for_a_frame_can_be_told_to_stop() -> None:
    source = Film(["-re", "-f", "lavfi", "-i", "testsrc=rate=1/60"], "slow")
    try:
        stop = threading.Event()
        threading.Timer(0.5, stop.set).start()
        while source.frame(stop.is_set):
            pass
        assert stop.is_set()
    finally:
        source.close()


def test_a_part_that_is_cut_short_is_no_frame() -> None:
    whole = b"--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: 4\r\n\r\nabcd\r\n"
    assert next_part(io.BytesIO(whole)) == b"abcd"
    assert next_part(io.BytesIO(whole[:-4])) == b""
    assert next_part(io.BytesIO(b"")) == b""
    with pytest.raises(ValueError, match="frame of -4"):
        next_part(io.BytesIO(whole.replace(b" 4", b" -4")))


def test_a_folder_is_a_camera_too_and_what_is_broken_is_one_line(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    assert main(["camera", "--source", str(album), "--save", str(kept)]) == 1
    told = capsys.readouterr()
    assert [line.split(":")[0] for line in told.out.splitlines()] == ["a.jpg", "c.jpg", "d.jpg"]
    assert "pi-edge: b.jpg: this is no PNG" in told.err
    assert sorted(path.name for path in kept.iterdir()) == [
        f"{name}.jpg{end}" for name in "acd" for end in ("", ".json")
    ]
    assert json.loads((kept / "a.jpg.json").read_text())["number"] == "7"


def test_frames_are_painted(seven_film: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "data" / "style", tmp_path / "models" / "style")
    arguments = ["--style", "scream", "--models", str(tmp_path / "models"), "--count", "2"]
    kept = tmp_path / "kept"
    assert main(["camera", "--source", str(seven_film), "--save", str(kept), *arguments]) == 0
    sizes = [PIL.Image.open(path).size for path in kept.iterdir()]
    assert len(sizes) == 2
    assert {width for width, _ in sizes} == {320}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_the_proper_end(tmp_path: Path, number: int) -> None:
    long = film(tmp_path / "long.mp4", "-f", "lavfi", "-i", "testsrc=duration=600:rate=1", rate=1)
    with running("camera", "--source", long, "--every", "30") as command:
        command.lines(1)
        assert command.stop(number) == 0
        assert "frames looked at: 1" in command.complained


def test_the_daemon_reads_the_frames_where_that_is_asked_for(album: Path, tmp_path: Path) -> None:
    with (
        running_daemon(tmp_path / "daemon") as daemon,
        running("camera", "--source", album / "a.jpg", "--json", "--url", daemon.url) as command,
    ):
        (told,) = command.documents(1)
        assert command.process.wait(60) == 0
    assert (told["number"], told["model"]) == ("7", "mnist-cnn")
    assert told["id"]


def test_a_model_of_somebody_elses_that_takes_a_picture_names_its_class(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _brightest_third(tmp_path)
    picture = tmp_path / "green.png"
    PIL.Image.new("RGB", (90, 60), (10, 250, 10)).save(picture)
    arguments = ["camera", "--source", str(picture), "--json", "--state", str(model)]
    assert main([*arguments, "--model", "colours"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classes"][0]["label"] == "green"
    assert told["classes"][0]["class"] == 1


def _brightest_third(folder: Path) -> Path:
    """A model [1,8,8,3] -> [1,3]: the mean of each channel."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 3], tf.float32, name="image")])
    def mean(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": tf.reduce_mean(image, [1, 2]) / 255}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([mean.get_concrete_function()])
    target = folder / "models" / "colours"
    target.mkdir(parents=True)
    (target / "v1.tflite").write_bytes(converter.convert())
    about = {"file": "v1.tflite"}
    document = {"name": "colours", "task": "tensors", "default": "v1", "variants": {"v1": about}}
    document["labels"] = ["red", "green", "blue"]
    (target / "model.json").write_text(json.dumps(document))
    return folder


def test_a_model_that_takes_no_picture_is_refused(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install("sum", tmp_path / "models")
    arguments = ["camera", "--source", str(album), "--state", str(tmp_path)]
    assert main([*arguments, "--model", "sum"]) == 1
    assert "sum takes no picture" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--source", "nowhere"], 1, "there is no nowhere"),
        (["--source", "."], 1, "there are no pictures in"),
        (["--source", ".", "--every", "-1"], 2, "--every must be from 0"),
        (["--source", ".", "--count", "0"], 2, "--count must be 1 or more"),
        (["--source", ".", "--style", "scream"], 2, "--save FOLDER"),
        (["--source", ".", "--save", "."], 2, "another folder"),
        (["--source", "picamera2"], 1, "sudo apt install python3-picamera2"),
    ],
)
def test_wrong_usage_is_one_line_that_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["camera", *arguments]) == status
    assert words in capsys.readouterr().err
