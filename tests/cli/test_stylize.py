"""pi-edge stylize as a user runs it, with the tiny model in a folder of its own."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from support import ROOT, missing

TINY = ROOT / "tests" / "data" / "style"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(TINY, folder / "style")
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    _waves(120, 160).save(path, quality=95)
    return path


def _waves(height: int, width: int) -> PIL.Image.Image:
    y, x = np.mgrid[:height, :width] / 30
    pixels = 128 + 120 * np.stack([np.sin(x + y), np.cos(x), np.sin(y - x)], 2)
    return PIL.Image.fromarray(pixels.astype(np.uint8))


def stylize(
    models: Path, *arguments: str | Path, stdin: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "pi_edge", "stylize", "--models", models, *arguments]
    command += ["--state", models.parent / "state"]
    return subprocess.run([str(a) for a in command], capture_output=True, input=stdin, cwd=ROOT)


def _started(models: Path, photo: str | Path, out: Path, **options: Any) -> subprocess.Popen[bytes]:
    """The command, on its way, as at a terminal: Ctrl-C reaches it."""
    command = ["stylize", photo, "-o", out, "--style", "scream", "--models", models]
    return subprocess.Popen(
        [sys.executable, "-m", "pi_edge", *map(str, command)],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        **options,
    )


def error_of(done: subprocess.CompletedProcess[bytes]) -> str:
    """The one line on stderr."""
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 1, done.stderr.decode()
    return lines[0]


def test_a_photo_is_styled_at_its_size(models: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = stylize(models, photo, "-o", out, "--style", "scream")
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")
    with PIL.Image.open(out) as image:
        assert image.size == (160, 120)
        changed = np.abs(np.asarray(image).astype(int) - np.asarray(_waves(120, 160)))
    assert changed.mean() > 5


def test_styles_mix(models: Path, photo: Path, tmp_path: Path) -> None:
    for name, flags in {
        "a.png": ["--style", "great-wave"],
        "b.png": ["--styles", "great-wave=1,scream=0"],
        "c.png": ["--styles", "great-wave=0.5,scream=0.5"],
    }.items():
        assert stylize(models, photo, "-o", tmp_path / name, *flags).returncode == 0
    a, b, c = (np.asarray(PIL.Image.open(tmp_path / name)) for name in ("a.png", "b.png", "c.png"))
    assert (a == b).all()
    assert (a != c).any()


def test_a_folder_goes_to_a_folder_and_a_bad_file_does_not_stop_the_rest(
    models: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    _waves(40, 50).save(source / "one.jpg")
    _waves(40, 50).save(source / "two.png")
    (source / "bad.jpg").write_bytes(b"no picture")
    (source / "notes.txt").write_text("not meant")
    done = stylize(models, source, "-o", tmp_path / "out", "--style", "scream")
    assert done.returncode == 1
    assert b"bad.jpg" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["one.jpg", "two.png"]


def test_standard_input_to_standard_output(models: Path, photo: Path) -> None:
    done = stylize(models, "-", "-o", "-", "--style", "scream", stdin=photo.read_bytes())
    assert done.returncode == 0
    with PIL.Image.open(io.BytesIO(done.stdout)) as image:
        assert (image.format, image.size) == ("JPEG", (160, 120))


def test_a_sheet_shows_the_photo_and_every_style(models: Path, photo: Path, tmp_path: Path) -> None:
    assert stylize(models, photo, "-o", tmp_path / "sheet.png", "--sheet").returncode == 0
    with PIL.Image.open(tmp_path / "sheet.png") as image:
        assert image.width > 3 * 160
        assert image.height > 120


@pytest.mark.parametrize(
    ("flags", "code", "line"),
    [
        (["--style", "monet"], 1, "there is no style 'monet'; there are great-wave, scream"),
        (["--styles", "scream=x"], 1, "is no style and weight"),
        (["--style", "scream", "--strength", "2"], 2, "--strength must be from 0 to 1"),
        ([], 2, "name a --style"),
        (["--style", "scream", "--model", "none"], 1, "there is no model 'none'"),
        (["--style", "scream", "--max-memory", "50"], 1, "allow that with --max-memory"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    models: Path, photo: Path, tmp_path: Path, flags: list[str], code: int, line: str
) -> None:
    done = stylize(models, photo, "-o", tmp_path / "out.jpg", *flags)
    assert done.returncode == code
    assert line in error_of(done)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


@pytest.mark.parametrize("target", ["/proc/out.jpg", "out.bmp", "out"])
def test_an_output_that_cannot_be_written_is_one_line(
    models: Path, photo: Path, target: str
) -> None:
    done = stylize(models, photo, "-o", target, "--style", "scream")
    assert done.returncode == 1
    assert target in error_of(done)


def test_the_photo_itself_is_not_overwritten(models: Path, photo: Path) -> None:
    before = photo.read_bytes()
    done = stylize(models, photo, "-o", photo.parent, "--style", "scream")
    assert done.returncode == 1
    assert "would overwrite" in error_of(done)
    assert photo.read_bytes() == before


def test_a_photo_cut_short_leaves_nothing(models: Path, tmp_path: Path) -> None:
    photo = tmp_path / "cut.jpg"
    _waves(600, 800).save(photo, quality=95)
    photo.write_bytes(photo.read_bytes()[:20_000])
    done = stylize(models, photo, "-o", tmp_path / "out.jpg", "--style", "scream")
    assert done.returncode == 1
    assert "damaged or cut short" in error_of(done)
    assert [path.name for path in tmp_path.iterdir()] == ["cut.jpg"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_no_file(models: Path, tmp_path: Path, how: signal.Signals) -> None:
    photo, out = tmp_path / "photo.jpg", tmp_path / "out"
    _waves(3000, 4000).save(photo)
    out.mkdir()
    process = _started(models, photo, out / "o.png")
    while not list(out.iterdir()):  # the unfinished file beside its place
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == b"pi-edge: stopped\n"
    assert list(out.iterdir()) == []


def test_a_video_keeps_its_frames_and_its_sound(models: Path, tmp_path: Path) -> None:
    if not shutil.which("ffmpeg"):
        missing("ffmpeg is not installed")
    video = tmp_path / "in.mp4"
    make = "-f lavfi -i testsrc=duration=1:size=98x64:rate=6 -f lavfi -i sine=duration=1"
    command = ["ffmpeg", "-v", "error", *make.split(), "-pix_fmt", "yuv420p", str(video)]
    subprocess.run(command, check=True)
    out = tmp_path / "out.mp4"
    done = stylize(models, video, "-o", out, "--style", "scream")
    assert (done.returncode, done.stderr) == (0, b"")
    probe = "ffprobe -v error -show_entries stream=codec_type,width,height,nb_frames -of csv"
    told = subprocess.run([*probe.split(), str(out)], capture_output=True, text=True, check=True)
    assert "video,98,64,6" in told.stdout
    assert "audio" in told.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_a_file_that_is_no_video_is_one_line(models: Path, tmp_path: Path) -> None:
    if not shutil.which("ffmpeg"):
        missing("ffmpeg is not installed")
    (tmp_path / "in.mp4").write_bytes(b"nothing")
    done = stylize(models, tmp_path / "in.mp4", "-o", tmp_path / "out.mp4", "--style", "scream")
    assert done.returncode == 1
    assert "this is no video" in error_of(done)


def test_the_videos_way_up_and_odd_sizes_are_kept(models: Path, tmp_path: Path) -> None:
    if not shutil.which("ffmpeg"):
        missing("ffmpeg is not installed")
    video, turned, out = (tmp_path / name for name in ("in.mp4", "turned.mp4", "out.mp4"))
    make = "-f lavfi -i testsrc=duration=0.5:size=99x65:rate=6 -pix_fmt yuv444p"
    subprocess.run(["ffmpeg", "-v", "error", *make.split(), str(video)], check=True)
    turn = ["-c", "copy", "-metadata:s:v:0", "rotate=90", str(turned)]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(video), *turn], check=True)
    assert stylize(models, turned, "-o", out, "--style", "scream").returncode == 0
    probe = "ffprobe -v error -show_entries stream=width,height -of csv=p=0"
    told = subprocess.run([*probe.split(), str(out)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "64,98"


def test_sound_goes_into_webm(models: Path, tmp_path: Path) -> None:
    if not shutil.which("ffmpeg"):
        missing("ffmpeg is not installed")
    video, out = tmp_path / "in.mp4", tmp_path / "out.webm"
    make = "-f lavfi -i testsrc=duration=0.5:size=64x48:rate=4 -f lavfi -i sine=duration=0.5"
    subprocess.run(["ffmpeg", "-v", "error", *make.split(), str(video)], check=True)
    done = stylize(models, video, "-o", out, "--style", "scream")
    assert (done.returncode, done.stderr) == (0, b"")
    probe = "ffprobe -v error -show_entries stream=codec_type -of csv=p=0"
    told = subprocess.run([*probe.split(), str(out)], capture_output=True, text=True, check=True)
    assert sorted(told.stdout.split()) == ["audio", "video"]


def test_without_ffmpeg_a_video_is_one_line(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.mp4").write_bytes(b"nothing")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = stylize(models, tmp_path / "in.mp4", "-o", tmp_path / "out.mp4", "--style", "scream")
    assert done.returncode == 1
    assert "videos need ffmpeg: sudo apt install ffmpeg" in error_of(done)


def test_a_stop_in_a_video_leaves_no_file(models: Path, tmp_path: Path) -> None:
    if not shutil.which("ffmpeg"):
        missing("ffmpeg is not installed")
    video, out = tmp_path / "in.mp4", tmp_path / "out"
    out.mkdir()
    make = "-f lavfi -i testsrc=duration=60:size=640x480:rate=10"
    subprocess.run(["ffmpeg", "-v", "error", *make.split(), str(video)], check=True)
    process = _started(models, video, out / "o.mp4")
    while not list(out.glob(".*/styled*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (130, b"pi-edge: stopped\n")
    assert list(out.iterdir()) == []


def test_a_stop_while_waiting_for_standard_input_ends_at_once(models: Path, tmp_path: Path) -> None:
    process = _started(models, "-", tmp_path / "o.png", stdin=subprocess.PIPE)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert process.stdin
    process.stdin.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["mit Leerzeichen ü.jpg", "-leading.jpg"])
def test_names_of_any_kind(models: Path, photo: Path, tmp_path: Path, name: str) -> None:
    odd = photo.rename(tmp_path / name)
    out = tmp_path / f"out {name}"
    assert stylize(models, odd, "-o", out, "--style", "scream").returncode == 0
    assert out.exists()


@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000)])
def test_photos_of_a_single_row_or_pixel(
    models: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    _waves(*size).save(tmp_path / "in.png")
    done = stylize(models, tmp_path / "in.png", "-o", tmp_path / "out.png", "--style", "scream")
    assert (done.returncode, done.stderr) == (0, b"")
    with PIL.Image.open(tmp_path / "out.png") as image:
        assert image.size == size[::-1]


def test_an_animation_gives_its_first_picture(models: Path, tmp_path: Path) -> None:
    frames = [_waves(60, 80), _waves(60, 80).rotate(180)]
    frames[0].save(tmp_path / "in.webp", save_all=True, append_images=frames[1:])
    done = stylize(models, tmp_path / "in.webp", "-o", tmp_path / "out.webp", "--style", "scream")
    assert (done.returncode, done.stderr) == (0, b"")
    with PIL.Image.open(tmp_path / "out.webp") as image:
        assert (image.size, image.n_frames) == ((80, 60), 1)  # type: ignore[attr-defined]
