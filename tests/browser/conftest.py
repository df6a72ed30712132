"""One daemon and one Chromium for all tests of the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from browsing import Visit, visit
from playwright.sync_api import Browser, expect, sync_playwright
from running import PATIENCE, RunningDaemon, install, running_daemon
from support import missing

expect.set_options(timeout=500 * PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if not chromium:
        missing("Chromium: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium)
        yield started
        started.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """The shipped models and two little ones, with a light of its own."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("double", "same-string"):
        install(name, folder / "models", variants=2)
    with running_daemon(folder, "--led", "mock") as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()


@pytest.fixture
def tab(browser: Browser, daemon: RunningDaemon) -> Iterator[Visit]:
    with visit(browser, daemon.url) as opened:
        yield opened
