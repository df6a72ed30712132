"""The emulated Pis, each installed once for all tests of a run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from debian_trees import RECIPES, obstacle
from pi_daemon import Daemon, StartDaemon, install, start
from raspberry_pi import Pi
from support import missing


@pytest.fixture(scope="session")
def _pis() -> Iterator[dict[str, Future[Pi]]]:
    """All the Pis, being installed side by side as far as this machine allows."""
    with ExitStack() as stack:
        workers = stack.enter_context(ThreadPoolExecutor(2))
        trees = [recipe for recipe in RECIPES if not obstacle(recipe)]
        yield {recipe.name: workers.submit(install, recipe, stack) for recipe in trees}


@pytest.fixture(scope="session", params=RECIPES, ids=lambda recipe: recipe.name)
def pi(request: pytest.FixtureRequest, _pis: dict[str, Future[Pi]]) -> Pi:
    """A Pi with pi-edge installed."""
    if reason := obstacle(request.param):
        missing(reason)
    return _pis[request.param.name].result()


@pytest.fixture(scope="session")
def daemon(pi: Pi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The daemon that all tests of a Pi share."""
    with ExitStack() as stack:
        yield start(pi, tmp_path_factory.mktemp(pi.recipe.name), stack)


@pytest.fixture
def start_daemon(pi: Pi, tmp_path: Path) -> Iterator[StartDaemon]:
    """Starts a daemon of the test's own."""
    with ExitStack() as stack:
        yield lambda *flags: start(pi, tmp_path, stack, *flags)
