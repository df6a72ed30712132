"""TensorFlow where a test has the desktop step make a model."""

from __future__ import annotations

import importlib.util

import pytest
from support import missing


@pytest.fixture(scope="session")
def tensorflow() -> None:
    if importlib.util.find_spec("tensorflow") is None:
        missing("TensorFlow is not installed (extra desktop)")
