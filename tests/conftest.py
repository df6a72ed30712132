"""Fixtures that any test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from support import ROOT, missing


@pytest.fixture
def mock_factory() -> Iterator[MockFactory]:
    """gpiozero's pins, mocked; each pin records its transitions in ``pin.states``."""
    saved = Device.pin_factory
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = saved


@pytest.fixture(scope="session")
def mnist() -> Path:
    """The full MNIST file beside the checkout."""
    path = ROOT.parent / "shared" / "data" / "mnist.npz"
    if not path.exists():
        missing(f"no MNIST data at {path}")
    return path


@pytest.fixture(scope="session")
def shipped_models() -> Path:
    """The models folder of the checkout."""
    return ROOT / "models"
