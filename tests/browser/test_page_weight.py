"""What it weighs, and how soon it shows."""

from __future__ import annotations

from browsing import SECTIONS, Visit
from playwright.sync_api import Response
from running import wait_until

LIMIT = 150_000  # bytes, all files of the page


def test_all_files_together_weigh_less_than_the_limit(tab: Visit) -> None:
    sizes: dict[str, int] = {}

    def weigh(answer: Response) -> None:
        path = answer.url.removeprefix(tab.url).partition("#")[0]
        if path == "/" or path.startswith("/page/"):
            sizes[path] = int(answer.headers["content-length"])

    tab.page.on("response", weigh)
    for section in SECTIONS:
        tab.open(section)
    tab.page.wait_for_load_state("load")
    assert {"/", "/page/main.js", "/page/style-udnie.webp"} <= set(sizes)
    print(f"\n{len(sizes)} files, {sum(sizes.values())} bytes")
    assert sum(sizes.values()) < LIMIT


def test_the_first_paint_is_told(tab: Visit) -> None:
    tab.page.add_init_script(
        """window.paints = {}
        new PerformanceObserver(list => {
            for (const entry of list.getEntries()) window.paints[entry.name] = entry.startTime
        }).observe({type: "paint", buffered: true})"""
    )
    found = []
    for _ in range(5):
        tab.page.goto("about:blank")
        tab.asked.clear()
        tab.open()
        found.append(
            wait_until(lambda: tab.page.evaluate("window.paints['first-contentful-paint']"))
        )
    print("\nfirst contentful paint, ms:", ", ".join(f"{value:.0f}" for value in found))
    assert all(value > 0 for value in found)


def test_no_second_visit_sends_a_file_again(tab: Visit) -> None:
    tab.open()
    tab.page.wait_for_load_state("load")
    statuses: dict[str, int] = {}
    tab.page.on("response", lambda answer: statuses.update({answer.url: answer.status}))
    sizes = tab.page.evaluate("performance.getEntriesByType('resource').length")
    tab.page.reload()
    tab.page.wait_for_load_state("load")
    assert sizes > 5
    sent = tab.page.evaluate(
        "performance.getEntriesByType('resource').filter(one => one.name.includes('/page/')"
        " && one.responseStatus === 200 && one.transferSize > 300).map(one => one.name)"
    )
    assert sent == []
