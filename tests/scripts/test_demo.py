"""What the demo takes for a painted photo."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from certificates import make_certificate
from PIL import Image, ImageOps
from support import ROOT

sys.path.append(str(ROOT / "scripts" / "lib"))

import demo

PHOTO = Image.open(ROOT / "docs/pictures/chelsea.jpg")


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the demo's pictures stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def told_of(picture: Image.Image) -> str:
    """What the demo says of a picture; "" where it takes it for none."""
    file = io.BytesIO()
    picture.save(file, "JPEG")
    question = demo.painting(ROOT / "models/style", {"styles": ["udnie", "starry-night"]})
    assert question.query == "style=starry-night"
    return question.told({"variant": "float32", "picture": file.getvalue(), "seconds": 0.25})


def test_a_painted_photo_is_kept_where_it_says(temporary: Path) -> None:
    blue = ImageOps.colorize(PHOTO.convert("L"), "midnightblue", "gold")
    told = told_of(blue)
    (kept,) = temporary.iterdir()
    assert told == f"451 x 300 pixels in 0.2 s, see {kept}"
    assert Image.open(kept).size == (451, 300)


@pytest.mark.parametrize(
    "picture",
    [
        PHOTO,
        PHOTO.resize((300, 200)),
        ImageOps.flip(PHOTO),
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 451, 3), np.uint8)),
    ],
    ids=["the photo itself", "another size", "upside down", "noise"],
)
def test_what_is_no_painting_of_the_photo_is_wrong(picture: Image.Image, temporary: Path) -> None:
    assert told_of(picture) == ""
    assert not list(temporary.iterdir())


def test_the_demo_shows_the_token_that_its_daemon_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PI_EDGE_TOKEN", raising=False)
    assert demo.own_token(str(tmp_path), ["--host", "0.0.0.0"]) == ""
    (tmp_path / "token").write_text("made\n")
    assert demo.own_token(str(tmp_path), ["--host", "0.0.0.0"]) == "made"


def test_the_demo_shows_the_token_that_was_set(tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text('token = "set"\n')
    assert demo.own_token(str(tmp_path), ["--config", str(settings)]) == "set"


def test_the_demo_asks_by_https_where_its_daemon_has_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path)
    flags = ["--tls-certificate", str(certificate), "--tls-key", str(key)]
    script = tmp_path / "pi-edge"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pi_edge "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(demo, "PI_EDGE", str(script))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "models").mkdir()
    shutil.copy(ROOT / "tests/data/double.tflite", tmp_path / "models")
    flags += ["--models", str(tmp_path / "models"), "--led", "off"]
    with demo.daemon(str(tmp_path / "state"), flags) as url:
        assert url.startswith("https://127.0.0.1:")
        with demo.opened(urllib.request.Request(f"{url}/v2/health/ready")) as answer:
            assert answer.status == 200
    assert not demo.is_secure([])
