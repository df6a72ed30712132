"""Digits drawn and read while they are drawn."""

from __future__ import annotations

import re

import pytest
from browsing import FOUR_AND_ONE, ONE, SEVEN, Visit, visit
from playwright.sync_api import Browser, expect
from running import RunningDaemon
from support import ROOT


def test_a_digit_drawn_with_the_mouse_is_read(tab: Visit) -> None:
    page = tab.open()
    tab.draw(SEVEN)
    expect(page.locator("#digit-answer")).to_have_text("7")
    expect(page.locator("#bars .most b")).to_have_text("7")
    expect(page.locator("#bars li")).to_have_count(10)


def test_the_bars_move_before_the_hand_rests(tab: Visit) -> None:
    page = tab.open()
    top, bottom = tab.on_screen(ONE[0])
    page.mouse.move(*top)
    page.mouse.down()
    page.mouse.move(*bottom, steps=10)
    expect(page.locator("#bars .most b")).to_have_text("1")  # and the button is still held down
    page.mouse.up()


def test_a_digit_drawn_with_a_finger_is_read(browser: Browser, daemon: RunningDaemon) -> None:
    with visit(browser, daemon.url, has_touch=True, is_mobile=True) as tab:
        page = tab.open()
        touches = page.context.new_cdp_session(page)
        points = [{"x": x, "y": y} for x, y in tab.on_screen(SEVEN[0])]
        touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
        for point in points[1:]:
            touches.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(page.locator("#digit-answer")).to_have_text("7")


def test_a_digit_drawn_with_the_keyboard_is_read(tab: Visit) -> None:
    page = tab.open()
    page.locator("#pad").focus()
    page.keyboard.press("Space")  # the pen is down, a quarter from the top
    for _ in range(22):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#digit-answer")).to_have_text("1")
    page.keyboard.press("Delete")
    expect(page.locator("#digit-answer")).to_have_text("–")


def test_several_digits_are_a_number_and_each_has_its_bars(tab: Visit) -> None:
    page = tab.open()
    tab.draw(FOUR_AND_ONE)
    expect(page.locator("#digit-answer")).to_have_text("41")
    expect(page.locator("#bars .most b")).to_have_text("1")
    page.locator("#digit-chips button", has_text="4").click()
    expect(page.locator("#bars .most b")).to_have_text("4")


def test_undo_takes_a_stroke_back_and_clear_all_of_them(tab: Visit) -> None:
    page = tab.open()
    tab.draw(ONE)
    expect(page.locator("#digit-answer")).to_have_text("1")
    tab.draw([[(0.2, 0.2), (0.2, 0.8)]])
    expect(page.locator("#digit-answer")).to_have_text("11")
    page.click("#pad-undo")
    expect(page.locator("#digit-answer")).to_have_text("1")
    page.click("#pad-clear")
    expect(page.locator("#digit-sure")).to_have_text("nothing drawn")
    expect(page.locator("#bars .most")).to_have_count(0)


def test_a_photo_is_read_as_well(tab: Visit) -> None:
    page = tab.open()
    page.set_input_files("#picture", ROOT / "docs" / "pictures" / "seven.jpg")
    expect(page.locator("#digit-answer")).to_have_text("7")


def test_a_file_that_is_no_picture_is_told_of(tab: Visit) -> None:
    page = tab.open()
    page.set_input_files("#picture", ROOT / "README.md")
    expect(page.locator("#digit-told")).to_contain_text("README.md is no picture")


def test_another_network_reads_the_same_drawing(tab: Visit) -> None:
    page = tab.open()
    tab.draw(SEVEN)
    expect(page.locator("#digit-answer")).to_have_text("7")
    with page.expect_request(re.compile("model=mnist-linear")):
        page.select_option("#digit-model", "mnist-linear")


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_wrong_digit_is_put_right_and_kept(tab: Visit, daemon: RunningDaemon, by: str) -> None:
    page = tab.open()
    before = daemon.status()["examples"]["count"]
    x = 0.4 if by == "mouse" else 0.6  # the same picture would count once
    tab.draw([[(x, 0.2), (x + 0.1 * before, 0.8)]])
    expect(page.locator("#keypad button").first).to_be_enabled()
    expect(page.locator("#digit-answer")).not_to_have_text("–")
    key = page.get_by_role("button", name="It is a 7")
    if by == "mouse":
        key.click()
    else:
        key.focus()
        page.keyboard.press("Enter")
    expect(page.locator("#teach-told")).to_contain_text("Kept: ")
    expect(page.locator("#kept li")).to_have_count(1)
    expect(page.locator("#kept li")).to_contain_text("is 7")
    expect(page.locator("#examples-count")).to_have_text(str(before + 1))
    assert daemon.status()["examples"]["count"] == before + 1


def test_a_number_is_put_right_by_all_its_digits(tab: Visit, daemon: RunningDaemon) -> None:
    page = tab.open()
    before = daemon.status()["examples"]["count"]
    tab.draw(FOUR_AND_ONE)
    page.fill("#teach-label", "4")
    page.locator("#teach-number button").click()
    expect(page.locator("#teach-told")).to_contain_text("nothing was kept")
    page.fill("#teach-label", "47")
    page.keyboard.press("Enter")
    expect(page.locator("#teach-told")).to_contain_text("Kept: a 47, read as 41")
    assert daemon.status()["examples"]["count"] == before + 2


def test_an_answer_that_the_daemon_forgot_is_put_right_by_its_picture(
    tab: Visit, daemon: RunningDaemon
) -> None:
    page = tab.open()
    tab.draw(SEVEN)
    expect(page.locator("#digit-answer")).to_have_text("7")
    for _ in range(260):  # it remembers 256
        daemon.send("POST", "/tasks/digits?model=mnist-linear", {"pixels": [0] * 784})
    page.get_by_role("button", name="It is a 7").click()
    expect(page.locator("#teach-told")).to_have_text("Kept: it is a 7, as it was read.")
