"""What the tests of --cluster share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import ROOT


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny style model."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(ROOT / "tests" / "data" / "style", folder / "style")
    return folder
