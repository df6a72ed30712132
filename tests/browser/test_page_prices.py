"""Prices in, forecasts out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from browsing import Visit
from playwright.sync_api import expect
from support import ROOT

TICKERS = json.loads((ROOT / "models" / "stocks" / "model.json").read_text())["tickers"]


def some_prices(rows: int = 70) -> str:
    random = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.01, (rows, len(TICKERS))), 0))
    days = np.datetime64("2024-01-01") + np.arange(rows)
    lines = [
        ",".join([str(day), *(f"{close:.2f}" for close in row)])
        for day, row in zip(days, closes, strict=True)
    ]
    return "\n".join([",".join(["date", *TICKERS]), *lines])


def test_a_csv_that_is_pasted_is_forecast(tab: Visit) -> None:
    page = tab.open("prices")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", some_prices())
    page.focus("#csv")
    page.keyboard.press("Control+v")
    expect(page.locator(".spans button")).to_have_count(len(TICKERS))
    expect(page.locator("#spans-title")).to_have_text("After 2024-03-10: the next trading day")


def test_a_csv_that_is_dropped_is_forecast(tab: Visit) -> None:
    page = tab.open("prices")
    carried = page.evaluate_handle(
        """text => {
            const carried = new DataTransfer()
            carried.items.add(new File([text], "prices.csv", {type: "text/csv"}))
            return carried
        }""",
        some_prices(),
    )
    page.dispatch_event("#prices-drop", "drop", {"dataTransfer": carried})
    expect(page.locator(".spans button")).to_have_count(len(TICKERS))


def test_a_file_too_large_to_show_is_sent_as_it_is(tab: Visit, tmp_path: Path) -> None:
    page = tab.open("prices")
    (tmp_path / "long.csv").write_text(some_prices(2500))
    page.set_input_files("#csv-file", tmp_path / "long.csv")
    expect(page.locator("#csv")).to_have_value(re.compile(r"^long\.csv, \d+ kB$"))
    expect(page.locator(".spans button")).to_have_count(len(TICKERS))


def test_the_chart_has_the_closes_the_forecast_and_the_interval(tab: Visit) -> None:
    page = tab.open("prices")
    page.fill("#csv", some_prices())
    page.click("#forecast")
    chart = page.locator("#history svg")
    expect(chart).to_have_attribute("aria-label", re.compile(r"^AAPL: 60 closes, .* interval "))
    expect(chart.locator(".ink")).to_have_count(1)
    expect(chart.locator(".fan")).to_have_count(1)


def test_a_ticker_is_chosen_by_keyboard(tab: Visit) -> None:
    page = tab.open("prices")
    page.fill("#csv", some_prices())
    page.click("#forecast")
    page.locator(".spans button").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#history-title")).to_have_text(TICKERS[1])
    expect(page.locator(".spans button").nth(1)).to_be_focused()


def test_made_up_prices_are_of_what_the_shipped_model_forecasts(tab: Visit) -> None:
    page = tab.open("prices")
    page.click("#made-up")
    expect(page.locator(".spans button b")).to_have_text(TICKERS)


def test_what_is_wrong_with_a_csv_is_said(tab: Visit) -> None:
    page = tab.open("prices")
    page.click("#forecast")
    expect(page.locator("#prices-told")).to_contain_text("Paste a CSV first")
    page.fill("#csv", "date,AAPL\n2024-01-02,185")
    page.click("#forecast")
    expect(page.locator("#prices-told")).to_contain_text("are missing")
    expect(page.locator("#forecasts")).to_be_hidden()
