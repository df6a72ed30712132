"""What setup.cfg cannot say: an installed pi-edge has the shipped models inside the package.

In a checkout, and in what is installed from one as editable, they stay beside it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path(__file__).resolve().parent / "models"


class BuildWithModels(build_py):
    """Copies models/ to where pi_edge.config.shipped_models looks for it."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            inside = Path(self.build_lib, "pi_edge", "models")
            shutil.rmtree(inside, ignore_errors=True)
            shutil.copytree(MODELS, inside, ignore=shutil.ignore_patterns(".*", "*~"))


setup(cmdclass={"build_py": BuildWithModels})
