"""What a browser is told about the page, and about everything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from running import RunningDaemon

from pi_edge.server import page


def policy(daemon: RunningDaemon) -> dict[str, list[str]]:
    told = daemon.send("GET", "/").headers["content-security-policy"]
    return {name: sources for name, *sources in (part.split() for part in told.split(";"))}


def files(daemon: RunningDaemon) -> dict[str, str]:
    """What the page loads, by its path, as text: its code and its looks."""
    html = daemon.send("GET", "/").body.decode()
    found, names = {"/": html}, re.findall(r'(?:src|href)="(/page/[^"]+\.(?:js|css))"', html)
    for path in names:
        found[path] = daemon.send("GET", path).body.decode()
    return found


@pytest.mark.parametrize("kind", ["script", "style"])
def test_the_page_runs_its_own_files_and_nothing_else(daemon: RunningDaemon, kind: str) -> None:
    assert policy(daemon)[f"{kind}-src"] == ["'self'"]
    html = daemon.send("GET", "/").body.decode()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\s(on\w+|style)=|javascript:", html)


def test_no_text_becomes_code_or_markup(daemon: RunningDaemon) -> None:
    assert policy(daemon)["require-trusted-types-for"] == ["'script'"]
    for path, text in files(daemon).items():
        assert not re.search(r"\b(eval|Function)\(|innerHTML|document\.write", text), path


def test_the_page_names_every_module_that_it_loads(daemon: RunningDaemon) -> None:
    told = files(daemon)
    modules = {path for path in told if path.endswith(".js")}
    imported = {
        f"/page/{name}" for text in told.values() for name in re.findall(r'from "\./(.+?)"', text)
    }
    assert imported | {"/page/main.js"} == modules
    assert modules == {path for path in page.paths() if path.endswith(".js")}


def test_nothing_is_loaded_from_elsewhere(daemon: RunningDaemon) -> None:
    for path, text in files(daemon).items():
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text))
        assert addresses <= {"//www.w3.org/2000/svg", "http://www.w3.org/2000/svg"}, path


@pytest.mark.parametrize("path", sorted(page.paths() - {"/"}))
def test_each_file_says_what_it_is_and_under_which_policy(daemon: RunningDaemon, path: str) -> None:
    answer = daemon.send("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"] == page.MEDIA_TYPES[Path(path).suffix]
    assert answer.headers["content-security-policy"] == page.POLICY


def test_a_file_that_is_known_is_not_sent_again(daemon: RunningDaemon) -> None:
    tag = daemon.send("GET", "/page/style.css").headers["etag"]
    answer = daemon.send("GET", "/page/style.css", headers={"If-None-Match": tag})
    assert (answer.status, answer.body) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpage.py", "%2e%2e", "", "a/b.js", "%00"])
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
