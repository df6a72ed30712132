"""Photos painted, compared and saved."""

from __future__ import annotations

import re
from pathlib import Path

import PIL.Image
import pytest
from browsing import CAT, Visit, large_photo
from playwright.sync_api import Page, expect


def painted(page: Page) -> None:
    page.locator("#after").wait_for()
    expect(page.locator("#painting-busy")).to_be_hidden()


def test_each_painting_is_chosen_by_its_picture(tab: Visit) -> None:
    page = tab.open("painting")
    pictures = page.locator("#styles img")
    expect(pictures).to_have_count(5)
    for at in range(5):
        expect(pictures.nth(at)).not_to_have_js_property("naturalWidth", 0)
    page.set_input_files("#photo", CAT)
    painted(page)
    with page.expect_request(re.compile("style=udnie")):
        page.locator(".style", has_text="Udnie").click()


def test_a_painting_is_chosen_by_keyboard(tab: Visit) -> None:
    page = tab.open("painting")
    page.set_input_files("#photo", CAT)
    painted(page)
    page.locator("#styles input").first.focus()
    with page.expect_request(re.compile("style=scream")):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#styles input").nth(1)).to_be_focused()


def test_a_photo_that_is_dropped_is_painted(tab: Visit) -> None:
    page = tab.open("painting")
    carried = page.evaluate_handle(
        """bytes => {
            const carried = new DataTransfer()
            carried.items.add(new File([new Uint8Array(bytes)], "cat.jpg", {type: "image/jpeg"}))
            return carried
        }""",
        list(CAT.read_bytes()),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": carried})
    painted(page)
    expect(page.locator("#after")).to_have_attribute("alt", "The photo like The Great Wave")


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_before_and_after_are_compared_with_a_slider(tab: Visit, by: str) -> None:
    page = tab.open("painting")
    page.set_input_files("#photo", CAT)
    painted(page)
    split = page.locator("#split")
    if by == "mouse":
        box = split.bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20, steps=5)
        page.mouse.up()
    else:
        split.focus()
        for _ in range(25):
            page.keyboard.press("ArrowLeft")
    value = int(split.input_value())
    assert 20 <= value <= 30
    clip = page.locator("#after").evaluate("image => getComputedStyle(image).clipPath")
    assert clip == f"inset(0px 0px 0px {value}%)"


def test_a_large_photo_is_shown_small_at_once_and_saved_in_full_size(
    tab: Visit, tmp_path: Path
) -> None:
    page = tab.open("painting")
    page.set_input_files("#photo", large_photo(tmp_path / "large.jpg", 1200, 800))
    painted(page)
    expect(page.locator("#painting-told")).to_contain_text("The photo has 1200 × 800")
    expect(page.locator("#save")).to_be_hidden()
    page.click("#full")
    expect(page.locator("#painting-busy")).to_be_visible()
    expect(page.locator("#painting-seconds")).to_have_text(re.compile(r"\d+ s"))
    painted(page)
    expect(page.locator("#painting-told")).to_contain_text("1200 × 800")
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "large-great-wave.jpg"
    with PIL.Image.open(download.value.path()) as picture:
        assert picture.size == (1200, 800)


def test_strength_and_a_second_painting_are_asked_for(tab: Visit) -> None:
    page = tab.open("painting")
    page.set_input_files("#photo", CAT)
    painted(page)
    with page.expect_request(re.compile(r"strength=0\.6")):
        page.fill("#strength", "0.6")
    expect(page.locator("#strength-value")).to_have_text("60 %")
    with page.expect_response(re.compile(r"great-wave%3D0\.50%2Cudnie%3D0\.50")) as mixed:
        page.select_option("#second", "udnie")
    assert mixed.value.status == 200
    painted(page)


def test_a_painting_is_stopped(tab: Visit, tmp_path: Path) -> None:
    page = tab.open("painting")
    page.set_input_files("#photo", large_photo(tmp_path / "large.jpg", 3000, 2000))
    painted(page)
    page.click("#full")
    page.click("#painting-stop")
    expect(page.locator("#painting-told")).to_have_text("Stopped.")
    expect(page.locator("#painting-busy")).to_be_hidden()


def test_what_is_no_photo_is_told_of_in_the_daemons_words(tab: Visit, tmp_path: Path) -> None:
    page = tab.open("painting")
    (tmp_path / "no.jpg").write_bytes(b"no photo")
    page.set_input_files("#photo", tmp_path / "no.jpg")
    expect(page.locator("#painting-told")).to_have_text(re.compile("photo|picture|image"))
    expect(page.locator("#save")).to_be_hidden()
