"""Fire and theft, to slide along."""

from __future__ import annotations

import json
import re

import pytest
from browsing import Visit
from playwright.sync_api import expect
from running import RunningDaemon
from support import ROOT


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_sliding_asks_the_line(tab: Visit, daemon: RunningDaemon, by: str) -> None:
    page = tab.open("line")
    expect(page.locator("#thefts")).to_have_text(re.compile(r"\d"))
    if by == "mouse":
        box = page.locator("#fires").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
        page.mouse.up()
    else:
        page.locator("#fires").focus()
        page.keyboard.press("End")
    fires = float(page.locator("#fires").input_value())
    answer = daemon.send("POST", "/tasks/regression", {"x": [fires]}).json()
    expect(page.locator("#fires-value")).to_have_text(f"{fires:.1f}")
    expect(page.locator("#thefts")).to_have_text(f"{answer['predictions'][0]:.1f}")


def test_the_chart_itself_is_dragged(tab: Visit) -> None:
    page = tab.open("line")
    chart = page.locator("#scatter svg")
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 50)
    page.mouse.down()
    page.mouse.up()
    assert float(page.locator("#fires").input_value()) > 30


def test_the_dots_are_the_districts_that_the_line_was_fitted_to(daemon: RunningDaemon) -> None:
    data = json.loads((ROOT / "models" / "fire-theft" / "model.json").read_text())["data"]
    text = daemon.send("GET", "/page/line.js").body.decode()
    listed = re.search(r"DISTRICTS = (\[.*?\n\])", text, re.DOTALL)
    assert listed
    districts = json.loads(re.sub(r",\s*\]$", "]", listed[1]))
    assert districts == [
        [fires, thefts]
        for fires, thefts in zip(
            data["fires_per_1000_housing_units"], data["thefts_per_1000_population"], strict=True
        )
    ]
