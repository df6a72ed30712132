"""What a browser is told about the page, and about everything else."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from running import RunningDaemon


def policy(daemon: RunningDaemon) -> dict[str, list[str]]:
    told = daemon.send("GET", "/").headers["content-security-policy"]
    return {name: sources for name, *sources in (part.split() for part in told.split(";"))}


@pytest.mark.parametrize("element", ["script", "style"])
def test_the_page_allows_its_own_code_by_what_it_is(daemon: RunningDaemon, element: str) -> None:
    html = daemon.send("GET", "/").body
    (contents,) = re.findall(b"<%b>(.*?)</%b>" % ((element.encode(),) * 2), html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(contents).digest()).decode()
    assert policy(daemon)[f"{element}-src"] == [f"'sha256-{digest}'"]


def test_the_page_has_no_code_that_its_policy_forbids(daemon: RunningDaemon) -> None:
    html = daemon.send("GET", "/").body.decode()
    assert len(re.findall(r"<script\b", html)) == len(re.findall("<script>", html)) == 1
    assert len(re.findall(r"<style\b", html)) == len(re.findall("<style>", html)) == 1
    markup = re.sub(r"<(script|style)>.*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"\s(on\w+|style)=|javascript:", markup)
    assert not re.search(r"\b(eval|Function)\(|innerHTML|document\.write", html)


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
