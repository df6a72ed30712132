"""A daemon that demands a token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsing import visit
from playwright.sync_api import Browser, expect
from running import RunningDaemon, install, running_daemon

TOKEN = "a-token/of+this~test=="


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One that takes whoever asks for somebody beyond this machine."""
    folder = tmp_path_factory.mktemp("locked")
    install("double", folder / "models")
    settings = folder / "config.toml"
    settings.write_text(f'token = "{TOKEN}"\n')
    shipped = folder / "shipped"
    shipped.mkdir()
    flags = ("--config", str(settings), "--models", str(shipped))
    with running_daemon(folder, *flags, wait=False) as running:
        yield running


def test_without_a_token_the_page_says_what_to_do(browser: Browser, daemon: RunningDaemon) -> None:
    with visit(browser, daemon.url) as tab:
        page = tab.open("status")
        expect(page.locator("#refused")).to_contain_text("open /#token=TOKEN")
        expect(page.locator("#token")).to_be_visible()


def test_the_token_in_the_fragment_opens_it_and_leaves_the_address(
    browser: Browser, daemon: RunningDaemon
) -> None:
    with visit(browser, daemon.url) as tab:
        page = tab.page
        page.goto(f"{daemon.url}/#token={TOKEN}")
        expect(page.locator("#state")).to_have_text("ready")
        expect(page.locator("#locked")).to_be_hidden()
        assert page.url == f"{daemon.url}/"
        assert not any(TOKEN in address for address in tab.asked)


def test_the_token_is_kept_for_the_next_visit(browser: Browser, daemon: RunningDaemon) -> None:
    with visit(browser, daemon.url) as tab:
        tab.page.goto(f"{daemon.url}/#token={TOKEN}")
        expect(tab.page.locator("#state")).to_have_text("ready")
        tab.page.goto("about:blank")
        tab.asked.clear()
        page = tab.open("status")
        expect(page.locator("#state")).to_have_text("ready")


def test_a_wrong_token_is_said_to_be_wrong_and_the_right_one_typed_in_opens_it(
    browser: Browser, daemon: RunningDaemon
) -> None:
    with visit(browser, daemon.url) as tab:
        page = tab.open("status")
        page.fill("#token", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#refused")).to_contain_text("not this daemon's token")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("#state")).to_have_text("ready")
        expect(page.locator("#locked")).to_be_hidden()


def test_models_are_unloaded_and_loaded_with_the_token(
    browser: Browser, daemon: RunningDaemon
) -> None:
    with visit(browser, daemon.url) as tab:
        tab.page.goto(f"{daemon.url}/#token={TOKEN}")
        page = tab.open("status")
        page.get_by_role("button", name="Unload double").click()
        expect(page.locator(".model .pill")).to_have_text("unloaded")
        page.get_by_role("button", name="Load double", exact=True).click()
        expect(page.locator(".model .pill")).to_have_text("ready")


def test_links_for_programs_are_followed_with_the_token(
    browser: Browser, daemon: RunningDaemon
) -> None:
    with visit(browser, daemon.url) as tab:
        tab.page.goto(f"{daemon.url}/#token={TOKEN}")
        page = tab.open("status")
        page.get_by_role("link", name="/v2", exact=True).click()
        page.wait_for_url("blob:**")
        assert "extensions" in page.content()
