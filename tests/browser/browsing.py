"""The page in a real browser, and hands to use it with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from running import PATIENCE
from support import ROOT

CAT = ROOT / "docs" / "pictures" / "chelsea.jpg"
SECTIONS = ("digits", "painting", "prices", "line", "tensors", "status")

# Strokes in parts of the pad, as a hand draws them.
SEVEN = [[(0.27, 0.25), (0.72, 0.25), (0.60, 0.48), (0.48, 0.80)]]
ONE = [[(0.5, 0.2), (0.5, 0.8)]]
FOUR_AND_ONE = [
    [(0.20, 0.30), (0.12, 0.56), (0.40, 0.56)],
    [(0.34, 0.30), (0.34, 0.76)],
    [(0.76, 0.28), (0.76, 0.76)],
]

Strokes = Sequence[Sequence[tuple[float, float]]]


@dataclass
class Visit:
    """A tab that shows the page, and what came of it."""

    page: Page
    url: str
    mistakes: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def open(self, section: str = "digits") -> Page:
        self.page.goto(f"{self.url}/#{section}")
        self.page.locator(f"#{section}").wait_for()
        expect(self.page.locator("#state")).not_to_have_text("…")
        return self.page

    def draw(self, strokes: Strokes) -> None:
        """With the mouse."""
        for stroke in strokes:
            first, *others = self.on_screen(stroke)
            self.page.mouse.move(*first)
            self.page.mouse.down()
            for point in others:
                self.page.mouse.move(*point, steps=6)
            self.page.mouse.up()

    def on_screen(self, stroke: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """Points of the pad as points of the window."""
        pad = self.page.locator("#pad")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        assert box
        return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]


@contextmanager
def visit(browser: Browser, url: str, **options: Any) -> Iterator[Visit]:
    """A browser that has never been here; at its end the page has made no mistake, and nobody but
    the daemon was asked.

    Args:
        options: of Playwright's new_context.
    """
    context = browser.new_context(viewport={"width": 1200, "height": 850}, **options)
    context.set_default_timeout(1000 * PATIENCE)
    try:
        page = context.new_page()
        tab = Visit(page, url)
        page.on("pageerror", lambda error: tab.mistakes.append(str(error)))
        page.on("request", lambda request: tab.asked.append(request.url))
        yield tab
        assert tab.mistakes == []
        elsewhere = [one for one in tab.asked if not one.startswith((f"{url}/", f"blob:{url}/"))]
        assert elsewhere == []
    finally:
        context.close()


def large_photo(path: Path, width: int, height: int) -> Path:
    """A photo larger than what is painted at once."""
    import PIL.Image

    with PIL.Image.open(CAT) as cat:
        cat.resize((width, height)).save(path, quality=85)
    return path
