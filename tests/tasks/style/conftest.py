"""A tiny style model, and photos that nobody took."""

from __future__ import annotations

import json
from types import ModuleType

import pytest
from style_photos import TINY
from support import missing

from pi_edge.tasks.style import photo, pillow_photo
from pi_edge.tasks.style.stylist import Stylist


@pytest.fixture(scope="session")
def stylist() -> Stylist:
    """The tiny model with two styles and random weights."""
    told = json.loads((TINY / "model.json").read_text())
    return Stylist(TINY / "float32.tflite", told["variants"]["float32"])


@pytest.fixture(params=["vips", "pillow"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Each of the two ways to read and write photos."""
    module: ModuleType = pillow_photo
    if request.param == "vips":
        try:
            from pi_edge.tasks.style import vips_photo as module
        except ImportError:
            missing("pyvips is not installed: pip install pyvips pyvips-binary")
    monkeypatch.setattr(photo, "backend", lambda: module)
    return module
