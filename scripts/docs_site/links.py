"""Links of the built site: those within it must lead somewhere, pictures, scripts and styles must
lie in it, and those that lead out are listed."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself when it shows a page.
_FETCHED = {
    ("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "src"), ("link", "href"),
    ("source", "srcset"), ("object", "data"), ("video", "src"),
}  # fmt: skip
# Links in the head that tell and fetch nothing.
_TOLD = {"canonical", "prev", "next", "edit"}


@dataclass
class Page(HTMLParser):
    """What one HTML file asks for."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.ids.update(filter(None, (told.get("id"), told.get("name") if tag == "a" else "")))
        for name, value in told.items():
            if (tag, name) in _FETCHED and not (tag == "link" and told.get("rel") in _TOLD):
                self.fetched.append(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)


def check(site: Path) -> tuple[list[str], set[str]]:
    """Problems, a line each, and the addresses that lead out of the site."""
    pages = {path.relative_to(site).as_posix(): _read(path) for path in site.rglob("*.html")}
    problems, out = [], set()
    for name, page in pages.items():
        # The page of what is not there is served from anywhere, so its links are from the root.
        here = "" if name == "404.html" else posixpath.dirname(name)
        for link in page.fetched:
            if urlsplit(link).netloc:
                problems.append(f"{name} fetches {link}, which lies elsewhere")
            elif not link.startswith("data:") and not (site / _place(here, link)).is_file():
                problems.append(f"{name} fetches {link}, which is not there")
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                out.add(link)
                continue
            to = _place(here, link) if parts.path else name
            if (site / to).is_dir():
                to = posixpath.join(to, "index.html")
            if not (site / to).is_file():
                problems.append(f"{name} links to {link}, which is not there")
            elif not parts.fragment or parts.fragment.startswith("__"):  # the theme's own
                continue
            elif to in pages and unquote(parts.fragment) not in pages[to].ids:
                problems.append(f"{name} links to {link}, and there is no such heading")
    problems += [f"{name} imports {one}" for name, one in _foreign_styles(site)]
    return sorted(set(problems)), out


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text())
    return page


def _place(here: str, link: str) -> str:
    path = unquote(urlsplit(link).path)
    return posixpath.normpath(posixpath.join(here, path)).lstrip("/")


def _foreign_styles(site: Path) -> Iterator[tuple[str, str]]:
    """What style sheets would fetch from elsewhere."""
    for path in site.rglob("*.css"):
        for part in path.read_text().split("url(")[1:]:
            address = part.partition(")")[0].strip("'\"")
            if address.startswith(("http:", "https:", "//")):
                yield path.relative_to(site).as_posix(), address
