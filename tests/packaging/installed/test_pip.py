"""Wheel and sdist, installed by pip into a virtual environment on each system."""

from __future__ import annotations

import json

import pytest
from roots import Installation
from support import ROOT


@pytest.mark.parametrize("kind", ["pi_edge-*.whl", "pi_edge-*.tar.gz"], ids=["wheel", "sdist"])
def test_what_pip_installs_reads_a_digit(bare: Installation, kind: str) -> None:
    archive = max(bare.debs.glob(kind), key=lambda path: path.stat().st_mtime)
    extra = "tflite-runtime" if bare.recipe.architecture == "armhf" else "litert"
    # 32-bit ARM has NumPy and Pillow from Debian alone.
    bare.run("python3", "-m", "venv", "--clear", "--system-site-packages", "/opt/venv")
    bare.run("/opt/venv/bin/pip", "install", "--quiet", f"{archive}[{extra}]")
    picture = bare.layer / "upper" / "seven.jpg"
    picture.write_bytes((ROOT / "docs/pictures/seven.jpg").read_bytes())
    said = bare.run("/opt/venv/bin/pi-edge", "predict", "mnist-cnn", "/seven.jpg", "--json")
    assert json.loads(said)["digit"] == 7
