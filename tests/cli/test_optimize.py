"""pi-edge stylize --optimize: what it asks for, and the picture it leaves."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from support import ROOT, missing

from pi_edge import cli

# The command with a tiny VGG16 of random weights instead of the real one.
COMMAND = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from made_pictures import write_vgg
from pi_edge.desktop.style import backbone
from pi_edge import cli
vgg = Path({vgg!r})
backbone.find = lambda: vgg if vgg.exists() else write_vgg(vgg)
sys.exit(cli.main(["stylize", "--optimize", *sys.argv[1:]]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo with EXIF and transparency, and a painting."""
    y, x = np.mgrid[:48, :64]
    photo = np.stack([4 * x, 5 * y, 2 * (x + y), 255 - 3 * y], 2).astype(np.uint8)
    exif = PIL.Image.Exif()
    exif[0x010E] = "a meadow"
    PIL.Image.fromarray(photo).save(tmp_path / "photo.png", exif=exif)
    waves = 128 + 100 * np.sin((x + 2 * y) / 3)[..., None] * np.array([1, -0.5, 0.3])
    PIL.Image.fromarray(waves.astype(np.uint8)).resize((96, 72)).save(tmp_path / "painting.png")
    return tmp_path


def command(folder: Path, *arguments: str | Path) -> list[str]:
    if importlib.util.find_spec("tensorflow") is None:
        missing("TensorFlow is not installed (extra desktop)")
    code = COMMAND.format(tests=str(ROOT / "tests" / "desktop"), vgg=str(folder.parent / "vgg.h5"))
    return [sys.executable, "-c", code, *map(str, arguments)]


def optimize(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(folder, *arguments), capture_output=True, cwd=ROOT)


def test_a_photo_becomes_a_picture_with_its_metadata_and_transparency(folder: Path) -> None:
    out = folder / "out.png"
    given = [folder / "photo.png", "--painting", folder / "painting.png", "-o", out]
    done = optimize(folder, *given, "--iterations", "6", "--preview-every", "2")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    with PIL.Image.open(out) as made, PIL.Image.open(folder / "photo.png") as photo:
        assert (made.size, made.mode) == ((64, 48), "RGBA")
        assert made.getexif()[0x010E] == "a meadow"
        before, after = (np.asarray(image).astype(int) for image in (photo, made))
    np.testing.assert_array_equal(before[..., 3], after[..., 3])
    assert np.abs(before - after)[..., :3].mean() > 3
    assert sorted(path.name for path in folder.iterdir()) == [
        "out.png",
        "painting.png",
        "photo.png",
    ]


def test_a_stop_leaves_neither_picture_nor_preview(folder: Path) -> None:
    out = folder / "out.jpg"
    given = [folder / "photo.png", "--painting", folder / "painting.png", "-o", out]
    process = subprocess.Popen(
        command(folder, *given, "--iterations", "1000000", "--preview-every", "1"),
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    preview = folder / "out.preview.jpg"
    while not preview.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, error.splitlines()[-1]) == (130, b"pi-edge: stopped")
    assert sorted(path.name for path in folder.iterdir()) == ["painting.png", "photo.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--optimize"], 2, "--optimize needs a picture to learn from: --painting FILE"),
        (["--optimize", "--painting", "none.png"], 1, "no picture at none.png; built-in paintings"),
        (["--optimize", "--painting", "x", "--style", "udnie"], 2, "--style does not go with"),
        (["--optimize", "--painting", "x", "--scale", "bold"], 2, "choose another --side"),
        (["--optimize", "--painting", "x", "--iterations", "0"], 2, "must be at least 1"),
        (["--style", "udnie", "--painting", "x"], 2, "--painting goes with --optimize only"),
        (["--style", "udnie", "--preview-every", "3"], 2, "--preview-every goes with --optimize"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    line: str,
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    if importlib.util.find_spec("tensorflow") is None and code == 1:
        missing("TensorFlow is not installed (extra desktop)")
    given = [str(folder / "photo.png"), "-o", str(folder / "out.jpg")]
    assert cli.main(["stylize", *given, *arguments]) == code
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


def test_without_the_desktop_s_packages_it_says_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else found(name)
    )
    given = [str(folder / "photo.png"), "-o", str(folder / "out.jpg"), "--painting", "scream"]
    assert cli.main(["stylize", "--optimize", *given]) == 1
    assert capsys.readouterr().err == (
        "pi-edge: pi-edge stylize --optimize runs on a desktop and needs tensorflow, which is not "
        "installed: pip install 'pi-edge[desktop]'\n"
    )
