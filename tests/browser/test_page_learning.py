"""Learning, as the page shows it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from another_learner import another_learner
from browsing import SEVEN, Visit, visit
from playwright.sync_api import Browser, expect
from running import RunningDaemon, running_daemon
from support import ROOT


@pytest.fixture
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One that may learn."""
    with running_daemon(tmp_path_factory.mktemp("learning"), "--led", "mock") as running:
        yield running


def test_it_is_said_that_keeping_changes_nothing_yet_and_what_does(tab: Visit) -> None:
    page = tab.open()
    expect(page.locator("#learning")).to_contain_text("Keeping an example changes nothing yet")
    expect(page.locator("#learning code").first).to_have_text("pi-edge learn mnist-cnn --examples")


def test_who_learns_is_seen_while_it_learns(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open()
    told = {"epoch": 2, "epochs": 5, "loss": 0.125, "accuracy": 0.96875, "seconds_left": 65.0}
    with another_learner(daemon.state, "mnist-cnn", **told):
        expect(page.locator("#learning")).to_contain_text("mnist-cnn is learning: epoch 2 of 5")
        expect(page.locator("#learning")).to_contain_text("96.9 %")
        expect(page.locator("#learning progress")).to_have_js_property("value", 2)
        expect(page.locator("#state")).to_have_text(
            "ready, learning mnist-cnn: epoch 2 of 5, 96.9 %"
        )
        expect(page.locator(".lamp").first).to_have_attribute("data-shows", "learning")
    expect(page.locator("#state")).to_have_text("ready")


def test_what_was_kept_is_read_again_once_it_has_learned(
    browser: Browser, daemon: RunningDaemon
) -> None:
    with visit(browser, daemon.url) as tab:
        page = tab.open()
        tab.draw(SEVEN)
        expect(page.locator("#digit-answer")).to_have_text("7")
        page.get_by_role("button", name="It is a 7").click()
        expect(page.locator("#kept li")).to_have_count(1)
        command = [sys.executable, "-m", "pi_edge", "learn", "mnist-cnn", "--examples"]
        subprocess.run([*command, "--state", str(daemon.state)], cwd=ROOT, check=True, timeout=600)
        expect(page.locator("#learning")).to_contain_text("mnist-cnn has just been learning")
        expect(page.locator("#teach-told")).to_have_text("1 of 1 are read rightly now.")
        expect(page.locator("#kept li")).to_contain_text("read 7, now 7")
        expect(page.locator("#kept .number")).to_have_text(re.compile(r"^\d+ → \d+ %$"))
