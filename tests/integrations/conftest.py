"""What several integrations are tried with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from films import film
from support import ROOT

SEVEN = ROOT / "docs" / "pictures" / "seven.jpg"


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
