"""What a browser is told about the page, and about everything else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from running import RunningDaemon

from pi_edge.server import page


def policy(daemon: RunningDaemon) -> dict[str, list[str]]:
    told = daemon.send("GET", "/").headers["content-security-policy"]
    return {name: sources for name, *sources in (part.split() for part in told.split(";"))}


def files(daemon: RunningDaemon) -> dict[str, str]:
    """The page's markup, looks and code as text, by path."""
    paths = ["/", *(path for path in page.paths() if path.endswith(".js"))]
    return {path: daemon.send("GET", path).body.decode() for path in paths}


def test_the_page_runs_its_own_files_and_nothing_else(daemon: RunningDaemon) -> None:
    assert policy(daemon)["script-src"] == ["'self'"]
    html = daemon.send("GET", "/").body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\s(on\w+|style)=|javascript:", html)


def test_the_page_allows_its_own_style_by_what_it_is(daemon: RunningDaemon) -> None:
    html = daemon.send("GET", "/").body
    (style,) = re.findall(b"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert policy(daemon)["style-src"] == [f"'sha256-{digest}'"]
    assert style == (page.FOLDER / "style.css").read_bytes()
    assert b"stylesheet" not in html


def test_no_text_becomes_code_or_markup(daemon: RunningDaemon) -> None:
    assert policy(daemon)["require-trusted-types-for"] == ["'script'"]
    for path, text in files(daemon).items():
        assert not re.search(r"\b(eval|Function)\(|innerHTML|document\.write", text), path


def test_every_module_is_used_and_there(daemon: RunningDaemon) -> None:
    told = files(daemon)
    imported = {name for text in told.values() for name in re.findall(r'from "\./(.+?)"', text)}
    modules = {path for path in told if path.endswith(".js")}
    assert {f"/page/{name}" for name in imported | {"main.js"}} == modules


def test_nothing_is_loaded_from_elsewhere(daemon: RunningDaemon) -> None:
    for path, text in files(daemon).items():
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text))
        assert addresses <= {"//www.w3.org/2000/svg", "http://www.w3.org/2000/svg"}, path


@pytest.mark.parametrize("path", sorted(page.paths() - {"/"}))
def test_each_file_says_what_it_is_and_under_which_policy(daemon: RunningDaemon, path: str) -> None:
    answer = daemon.send("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"] == page.MEDIA_TYPES[Path(path).suffix]
    assert answer.headers["content-security-policy"] == page.policy(b"")


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/style-udnie.webp"])
def test_what_is_known_is_not_sent_again(daemon: RunningDaemon, path: str) -> None:
    tag = daemon.send("GET", path).headers["etag"]
    answer = daemon.send("GET", path, headers={"If-None-Match": f'"other", {tag}'})
    assert (answer.status, answer.body) == (304, b"")
    assert daemon.send("GET", path, headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2fpage.py", "%2e%2e", "", "a/b.js", "%00", "index.html"]
)
def test_nothing_else_is_served_as_a_file_of_the_page(daemon: RunningDaemon, name: str) -> None:
    answer = daemon.send("GET", f"/page/{name}")
    assert answer.status == 404
    assert list(answer.json()) == ["error"]


def test_the_page_can_do_what_it_does(daemon: RunningDaemon) -> None:
    allowed = policy(daemon)
    assert allowed["connect-src"] == ["'self'"]  # fetch("/status"), fetch("/tasks/...")
    assert "blob:" in allowed["img-src"]  # the painted photo
    assert allowed["default-src"] == ["'none'"]


def test_no_other_site_can_show_the_page_in_a_frame(daemon: RunningDaemon) -> None:
    assert policy(daemon)["frame-ancestors"] == ["'none'"]


def test_the_page_tells_no_other_site_where_it_was(daemon: RunningDaemon) -> None:
    assert daemon.send("GET", "/").headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/status", "/metrics", "/v2", "/nothing"])
def test_nothing_is_taken_for_what_it_does_not_say_it_is(daemon: RunningDaemon, path: str) -> None:
    answer = daemon.send("GET", path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"]
