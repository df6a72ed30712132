"""Photos styled on an emulated Raspberry Pi look as they do when styled here."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pi_daemon import PATIENCE_SECONDS, Daemon, shipped
from PIL import Image
from raspberry_pi import OWNER, Pi
from support import ROOT

from pi_edge import catalog

SIDE = 128
"""Pixels; an emulated processor takes its time."""

ALIKE = 45.0
"""dB. Another processor adds in another order, and rounds some pixels to the level beside."""

STYLE = "starry-night"

# `pi-edge` where pyvips is not installed, which may be so on 32-bit ARM.
WITHOUT_LIBVIPS = (
    "-c",
    "import sys; sys.modules['pyvips'] = None;"
    " from pi_edge.cli import main; sys.exit(main(sys.argv[1:]))",
)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small photo."""
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    with Image.open(ROOT / "docs/pictures/chelsea.jpg") as cat:
        cat.crop((75, 0, 375, 300)).resize((SIDE, SIDE)).save(path, quality=95)
    return path


@pytest.fixture
def desk(pi: Pi) -> Iterator[Path]:
    """A folder of the Pi's, as this machine sees it."""
    folder = pi.tree / "home/pi/pictures"
    folder.mkdir(exist_ok=True)
    os.chown(folder, *OWNER)
    yield folder
    for path in folder.iterdir():
        path.unlink()


@pytest.fixture
def entry(pi: Pi) -> catalog.Entry:
    return shipped(pi)["style"]


def flags(variant: str) -> list[str]:
    return ["--style", STYLE, "--variant", variant, "--threads", "1"]


def here(photo: Path, models: Path, variant: str) -> np.ndarray:
    """The picture as this machine paints it."""
    out = photo.with_name("here.png")
    command = [sys.executable, "-m", "pi_edge", "stylize", str(photo), "-o", str(out)]
    subprocess.run([*command, "--models", str(models), *flags(variant)], check=True, cwd=ROOT)
    return pixels(out.read_bytes())


def pixels(picture: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGB")).astype(float)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB."""
    return float(10 * np.log10(255**2 / max(np.square(one - other).mean(), 1e-9)))


def test_a_photo_is_styled_as_on_this_machine(
    pi: Pi, desk: Path, photo: Path, entry: catalog.Entry
) -> None:
    (desk / "photo.jpg").write_bytes(photo.read_bytes())
    variant = entry.file()[0]
    expected = here(photo, pi.clone / "models", variant)
    paths = "/home/pi/pictures/photo.jpg", "-o", "/home/pi/pictures/out.png"
    commands = [("-m", "pi_edge")]
    if pi.recipe.architecture == "armhf":
        commands.append(WITHOUT_LIBVIPS)
    for command in commands:
        done = pi.run(".venv/bin/python", *command, "stylize", *paths, *flags(variant))
        assert (done.returncode, done.stderr) == (0, "")
        there = pixels((desk / "out.png").read_bytes())
        assert there.shape == (SIDE, SIDE, 3)
        assert psnr(there, expected) > ALIKE, command
        (desk / "out.png").unlink()


def test_another_variant_is_served_as_on_this_machine(
    pi: Pi, daemon: Daemon, photo: Path, entry: catalog.Entry
) -> None:
    variant = next(variant for variant in entry.files if variant != entry.default)
    url = f"{daemon.url}/tasks/style?style={STYLE}&variant={variant}"
    headers = {"Content-Type": "image/jpeg", "Accept": "image/png"}
    request = urllib.request.Request(url, photo.read_bytes(), headers)
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        there = pixels(response.read())
    assert psnr(there, here(photo, pi.clone / "models", variant)) > ALIKE
