"""Fixtures that any test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory
from running import WITHOUT_ACCELERATORS, RunningDaemon, install, running_daemon
from support import ROOT, missing
from xdist.scheduler import LoadScopeScheduling

from pi_edge.workers.process import Workshop

# What takes longest, so that it is not begun last.
FIRST = ("tests/emulated_pi/", "tests/scripts/", "tests/desktop/")
# One process alone may use these trees.
TOGETHER = "tests/emulated_pi/"


class _Scheduling(LoadScopeScheduling):
    """Which tests run in one process: those of a file, as they share what they need."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling:
    """Called where tests run in several processes."""
    config.option.loadscopereorder = False
    return _Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of folders; within one nothing changes."""

    def place(item: pytest.Item) -> int:
        folders = (at for at, name in enumerate(FIRST) if item.nodeid.startswith(name))
        return next(folders, len(FIRST))

    items.sort(key=place)


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


@pytest.fixture(scope="session")
def shop() -> Iterator[Workshop]:
    """Starts workers; whoever ends the process that forks them takes one of their own."""
    workshop = Workshop()
    yield workshop
    workshop.close()


@pytest.fixture(scope="session")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file like Keras' mnist.npz: 1200 and 200 images of bars, the wider the higher the digit,
    under noise. Sorted by label, as MNIST is."""
    random = np.random.default_rng(7)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.sort(np.arange(count) % 10).astype(np.uint8)
        images = random.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, : 2 * label + 2] += 150
        return images, labels

    x_train, y_train = part(1200)
    x_test, y_test = part(200)
    path = tmp_path_factory.mktemp("bars") / "mnist.npz"
    np.savez_compressed(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


# Little models of tests/data that the shared daemon serves besides the shipped ones.
LITTLE = ("double", "sum", "log", "power", "pick", "same-string", "same-bool", "same-float16")


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A daemon for all tests that leave it as it was: the shipped models, and as the owner's the
    LITTLE ones and ``prices``, which forecasts the mean of five days. Must still be ready when the
    last test is done."""
    with _shared_daemon(tmp_path_factory.mktemp("daemon")) as running:
        yield running


@pytest.fixture(scope="session")
def plain_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """The same on h11 and asyncio, which is what 32-bit ARM has."""
    with _shared_daemon(tmp_path_factory.mktemp("plain"), WITHOUT_ACCELERATORS) as running:
        yield running


@contextmanager
def _shared_daemon(folder: Path, command: tuple[str, ...] = ()) -> Iterator[RunningDaemon]:
    for name in LITTLE:
        install(name, folder / "models", variants=2, labels=["none", "some", "many"])
    install("prices", folder / "models", "stocks", tickers=["AAA", "BBB", "CCC"], days=5)
    with running_daemon(folder, command=command) as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()
        assert running.status()["state"] == "ready"
