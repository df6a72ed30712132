"""What goes wrong is shown to whoever is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browsing import Visit, visit
from playwright.sync_api import Browser, expect
from running import RunningDaemon, running_daemon


@pytest.mark.parametrize(
    "mistake",
    ["setTimeout(() => { nobody.here() })", "Promise.reject(new Error('nobody is here'))"],
)
def test_a_mistake_of_the_page_is_shown_and_dismissed(tab: Visit, mistake: str) -> None:
    page = tab.open()
    page.evaluate(f"() => {{ {mistake} }}")
    expect(page.locator("#wrong")).to_contain_text(re.compile("nobody"))
    page.locator("#wrong button").click()
    expect(page.locator("#wrong")).to_be_hidden()
    assert len(tab.mistakes) == 1
    tab.mistakes.clear()


def test_an_answer_that_breaks_the_page_is_shown(tab: Visit) -> None:
    tab.page.route("**/status", lambda route: route.fulfill(json={"models": {}}))
    tab.page.goto(tab.url)
    expect(tab.page.locator("#wrong")).to_contain_text("This page made a mistake")
    tab.mistakes.clear()


def test_a_daemon_that_is_gone_is_told_of_and_found_again(browser: Browser, tmp_path: Path) -> None:
    with running_daemon(tmp_path) as daemon, visit(browser, daemon.url) as tab:
        page = tab.open()
        daemon.stop()
        expect(page.locator("#state")).to_have_text("the daemon is out of reach")
        expect(page.locator(".lamp").first).not_to_have_class(re.compile("lit"))
        with running_daemon(tmp_path, "--port", str(daemon.port)):
            expect(page.locator("#state")).to_have_text("ready")


def test_a_refusal_is_told_where_it_happened(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open("tensors")
    page.select_option("#tensor-model", "double")
    page.locator(".tensor textarea").fill("1 2 3")
    daemon.send("POST", "/v2/repository/models/double/unload", {})
    try:
        page.click("#tensor-form .primary")
        expect(page.locator("#tensor-told")).to_contain_text("unloaded")
        expect(page.locator("#wrong")).to_be_hidden()
    finally:
        daemon.send("POST", "/v2/repository/models/double/load", {})
