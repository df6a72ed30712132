"""What the daemon says of itself, and the light."""

from __future__ import annotations

import re

import pytest
from browsing import Visit
from playwright.sync_api import Route, expect
from running import RunningDaemon, drop_in, wait_until


def test_every_model_has_its_state_and_variants(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open("status")
    models = daemon.status()["models"]
    expect(page.locator(".model .name b")).to_have_text(list(models))
    row = page.locator(".model", has_text="mnist-cnn")
    expect(row.locator(".pill")).to_have_text("ready")
    expect(row.locator(".chip")).to_have_text(["float32", "float16", "int8"])


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_model_is_unloaded_and_loaded(tab: Visit, daemon: RunningDaemon, by: str) -> None:
    page = tab.open("status")
    for verb, state in (("Unload", "unloaded"), ("Load", "ready")):
        button = page.get_by_role("button", name=f"{verb} mnist-linear", exact=True)
        if by == "mouse":
            button.click()
        else:
            button.focus()
            page.keyboard.press("Enter")
        row = page.locator(".model", has_text="mnist-linear")
        expect(row.locator(".pill")).to_have_text(state)
        wait_until(lambda state=state: daemon.model_state("mnist-linear") == state)


def test_latency_is_drawn_as_answers_come(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open("status")
    row = page.locator(".model", has_text="double")
    expect(row.locator(".speed .number")).to_have_text(re.compile("not asked yet|ms"))
    seen = int(row.locator("svg").evaluate("svg => svg.querySelectorAll('.dot').length"))
    daemon.infer("double", x=[1, 2, 3])
    expect(row.locator("svg .dot")).to_have_count(max(1, seen))
    expect(row.locator(".speed .number")).to_have_text(re.compile(r"ms · \d+×"))


def test_a_model_that_is_out_says_why(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open("status")
    broken = daemon.models / "broken.tflite"
    broken.write_bytes(b"no model")
    try:
        row = page.locator(".model", has_text="broken")
        expect(row.locator(".pill")).to_have_text("quarantined")
        expect(row.locator(".reason")).to_have_text(re.compile(r"\w+"))
        expect(page.locator("#led-state")).to_have_text("degraded")
    finally:
        broken.unlink()
    expect(page.locator("#led-state")).to_have_text("ready")


def test_the_lamp_shows_what_the_light_shows(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open("status")
    expect(page.locator(".lamp.large")).to_have_attribute("data-shows", "ready")
    expect(page.locator(".lamp.large")).to_have_class(re.compile(r"\blit\b"))
    expect(page.locator("#led-out")).to_contain_text("A mock of GPIO17")


def test_the_lamp_winks_when_the_light_did(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open("status")
    daemon.infer("double", x=[1, 2, 3])  # so that there is something to compare with
    page.wait_for_timeout(2500)
    page.evaluate(
        """() => {
            window.dark = 0
            new MutationObserver(() => {
                if (!document.querySelector('.lamp').classList.contains('lit')) window.dark += 1
            }).observe(document.querySelector('.lamp'), {attributes: true})
        }"""
    )
    daemon.infer("double", x=[1, 2, 3])
    wait_until(lambda: page.evaluate("window.dark"))


def test_the_temperature_is_shown_where_the_machine_tells_it(tab: Visit) -> None:
    def hot(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        told["machine"] |= {"temperature_c": 81.5, "throttled": 0x50004}
        route.fulfill(response=answer, json=told)

    tab.page.route("**/status", hot)  # this machine may have no thermometer
    page = tab.open("status")
    expect(page.locator("#top-temperature")).to_have_text("81.5 °C")
    expect(page.locator("#temperature")).to_have_text("81.5 °C")
    expect(page.locator("#temperature-line svg .dot")).to_have_count(1)
    told = ["Now: throttled", "Since its start: under-voltage, throttled"]
    expect(page.locator("#temperature-line .bad")).to_have_text(told)
    page.unroute_all(behavior="wait")


def test_a_model_dropped_in_appears_by_itself(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open("status")
    dropped = drop_in("sum", daemon.models, rename="dropped")
    try:
        expect(page.locator(".model", has_text="dropped").locator(".pill")).to_have_text("ready")
    finally:
        dropped.unlink()
