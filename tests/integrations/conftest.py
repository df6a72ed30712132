"""What several integrations are tried with."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support import ROOT, missing

SEVEN = ROOT / "docs" / "pictures" / "seven.jpg"


def film(path: Path, *source: str, rate: int = 10) -> Path:
    """A video of what ffmpeg makes of its own options for input."""
    if not shutil.which("ffmpeg"):
        missing("ffmpeg is not installed: sudo apt install ffmpeg")
    form = ["-r", str(rate), "-vf", "scale=320:-2", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *form], check=True)
    return path


@pytest.fixture(scope="session")
def seven_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a seven, at ten frames a second."""
    path = tmp_path_factory.mktemp("film") / "seven.mp4"
    return film(path, "-loop", "1", "-framerate", "10", "-t", "2", "-i", str(SEVEN))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of three sevens and something broken between them."""
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("a", "c", "d"):
        shutil.copy(SEVEN, folder / f"{name}.jpg")
    (folder / "b.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture either")
    return folder
