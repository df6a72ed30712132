"""Any model, by a form made of what it says of itself."""

from __future__ import annotations

import re

from browsing import Visit
from playwright.sync_api import expect


def test_the_form_is_what_the_model_takes(tab: Visit) -> None:
    page = tab.open("tensors")
    page.select_option("#tensor-model", "stocks")
    expect(page.locator(".tensor legend")).to_have_text(["prices FP32"])
    sizes = page.locator(".sizes input")
    expect(sizes).to_have_count(3)
    assert [sizes.nth(at).input_value() for at in range(3)] == ["1", "61", "20"]
    expect(page.locator("#tensor-outputs")).to_contain_text("forecast FP32 [-1, 20]")


def test_numbers_go_in_and_numbers_come_out(tab: Visit) -> None:
    page = tab.open("tensors")
    page.select_option("#tensor-model", "double")
    page.locator(".tensor textarea").fill("1, 2.5 -3")
    page.click("#tensor-form .primary")
    expect(page.locator(".output .number")).to_have_text(["2", "5", "-6"])
    expect(page.locator("#tensor-told")).to_contain_text("there and back")


def test_texts_go_in_and_texts_come_out(tab: Visit) -> None:
    page = tab.open("tensors")
    page.select_option("#tensor-model", "same-string")
    page.get_by_role("button", name="Random").click()
    page.click("#tensor-form .primary")
    expect(page.locator(".output .number").first).to_have_text('"text 1"')


def test_a_variant_is_chosen_and_asked(tab: Visit) -> None:
    page = tab.open("tensors")
    page.select_option("#tensor-model", "double")
    page.select_option("#tensor-variant", "v2")
    page.locator(".tensor textarea").fill("1 2 3")
    with page.expect_request(re.compile("/v2/models/double/versions/v2/infer")):
        page.click("#tensor-form .primary")


def test_it_works_by_keyboard_alone(tab: Visit) -> None:
    page = tab.open("tensors")
    page.locator("#tensor-model").focus()
    page.keyboard.type("double")
    expect(page.locator("#tensor-model")).to_have_value("double")
    expect(page.locator(".tensor legend")).to_contain_text("FP32")
    page.get_by_role("button", name="Zeros").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")  # Random
    page.keyboard.press("Tab")  # Run
    page.keyboard.press("Enter")
    expect(page.locator(".output .number").first).to_have_text("0")


def test_what_does_not_fit_is_said_before_it_is_sent(tab: Visit) -> None:
    page = tab.open("tensors")
    page.select_option("#tensor-model", "double")
    page.locator(".tensor textarea").fill("1 2")
    page.click("#tensor-form .primary")
    expect(page.locator("#tensor-told")).to_contain_text("takes 3 values")
    page.locator(".tensor textarea").fill("1 2 x")
    page.click("#tensor-form .primary")
    expect(page.locator("#tensor-told")).to_contain_text("“x” is no number")
