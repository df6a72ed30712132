"""For everybody: no violations that axe finds, in any section, by light and dark, on any screen."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import CAT, SECTIONS, SEVEN, Visit, visit
from playwright.sync_api import Browser, expect
from running import RunningDaemon

SCREENS = {"desk": {"width": 1200, "height": 850}, "phone": {"width": 360, "height": 740}}


def fill(tab: Visit, section: str) -> None:
    """Use the section, so that all of it shows."""
    page = tab.page
    if section == "digits":
        tab.draw(SEVEN)
        expect(page.locator("#digit-answer")).to_have_text("7")
        page.get_by_role("button", name="It is a 7").click()
        expect(page.locator("#kept li")).to_have_count(1)
        page.locator("summary").click()
    elif section == "painting":
        page.set_input_files("#photo", CAT)
        page.locator("#after").wait_for()
        page.select_option("#second", "udnie")
        expect(page.locator("#painting-busy")).to_be_hidden()
    elif section == "prices":
        page.click("#made-up")
        page.locator("#history svg").wait_for()
    elif section == "line":
        page.locator("#scatter svg").wait_for()
    elif section == "tensors":
        page.get_by_role("button", name="Random").first.click()
        page.click("#tensor-form .primary")
        page.locator(".output").first.wait_for()
    else:
        page.locator(".model").first.wait_for()


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(
    browser: Browser, daemon: RunningDaemon, scheme: str, screen: str, section: str
) -> None:
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    with visit(browser, daemon.url, **options, bypass_csp=True) as tab:
        tab.page.set_viewport_size(SCREENS[screen])
        tab.open(section)
        for used in (False, True):
            if used:
                fill(tab, section)
            results = Axe().run(tab.page)
            assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [320, 360, 768])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, daemon: RunningDaemon, width: int
) -> None:
    with visit(browser, daemon.url) as tab:
        tab.page.set_viewport_size({"width": width, "height": 740})
        for section in SECTIONS:
            tab.open(section)
            fill(tab, section)
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, section


def test_the_sections_are_reached_by_keyboard(tab: Visit) -> None:
    page = tab.page
    page.goto(tab.url)
    expect(page.locator("#digits")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#painting-title")).to_be_focused()
    expect(page.locator("nav [aria-current]")).to_have_text("Painting")
    assert page.title() == "Paint a photo · pi-edge"


def test_the_skip_link_leads_past_the_keys(tab: Visit) -> None:
    page = tab.page
    page.goto(tab.url)
    expect(page.locator("#digits")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.reload()  # the address ends in #main now
    expect(page.locator("#digits")).to_be_visible()


def test_going_back_shows_the_section_before(tab: Visit) -> None:
    page = tab.open("digits")
    page.locator("nav a", has_text="Line").click()
    expect(page.locator("#line")).to_be_visible()
    page.go_back()
    expect(page.locator("#digits")).to_be_visible()
    expect(page.locator("#line")).to_be_hidden()


def test_bars_and_pad_fit_a_phone_together(browser: Browser, daemon: RunningDaemon) -> None:
    options = {"has_touch": True, "is_mobile": True}
    with visit(browser, daemon.url, **options) as tab:
        tab.page.set_viewport_size({"width": 360, "height": 740})
        page = tab.open()
        bars = page.locator("#bars").bounding_box()
        keys = page.locator("nav").bounding_box()
        assert bars
        assert keys
        assert bars["y"] + bars["height"] <= keys["y"]


def test_who_wants_no_motion_sees_a_steady_lamp(browser: Browser, daemon: RunningDaemon) -> None:
    with visit(browser, daemon.url, reduced_motion="reduce") as tab:
        page = tab.open()
        page.evaluate(
            """() => {
                window.changes = 0
                const lamp = document.querySelector('.lamp')
                let lit = lamp.classList.contains('lit')
                new MutationObserver(() => {
                    const now = lamp.classList.contains('lit')
                    window.changes += now !== lit
                    lit = now
                }).observe(lamp, {attributes: true})
            }"""
        )
        daemon.infer("double", x=[1, 2, 3])
        page.wait_for_timeout(4500)
        assert page.evaluate("window.changes") == 0
