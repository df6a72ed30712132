"""What README.md and docs/ say of the code is true, and leads somewhere. scripts/docs does the
rest: it builds the site and runs the commands."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from docs_site import blocks, reference

DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts and MkDocs make them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return found


@pytest.mark.parametrize("name", list(reference.MADE))
def test_what_is_made_from_the_code_is_as_the_code_is(name: str) -> None:
    assert not reference.is_stale(name), "scripts/docs --update writes it anew"


def test_the_openapi_file_is_openapi() -> None:
    told = json.loads((DOCS / "openapi.json").read_text())
    assert told["openapi"].startswith("3.1")
    assert "/tasks/digits" in told["paths"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_and_picture_leads_somewhere(page: Path) -> None:
    wrong = []
    for target in LINK.findall(prose(page)):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        place = (page.parent / path).resolve() if path else page
        there = place.is_relative_to(ROOT) and place.exists()
        if not there or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            wrong.append(target)
    assert not wrong


def test_every_page_is_in_the_navigation_and_every_entry_has_its_page() -> None:
    # Read as text: MkDocs is not among what the tests need.
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    entries = re.findall(r"([\w/.-]+\.md)$", navigation, re.MULTILINE)
    beside = {"index.md", "contributing.md", "security.md", "changelog.md", "notice.md"}
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert set(entries) - beside == pages
    assert beside <= set(entries)
    assert len(entries) == len(set(entries))


@pytest.mark.parametrize("block", blocks.all_blocks(), ids=lambda block: block.place)
def test_a_block_of_commands_is_shell_and_calls_pi_edge_as_it_can_be_called(
    block: blocks.Block,
) -> None:
    assert not blocks.problems(block)


def test_a_flag_that_does_not_exist_is_found_in_a_block() -> None:
    block = blocks.Block("x.md", 1, "run", "", "A=1 pi-edge status --jason | head   # so\n")
    (problem,) = blocks.problems(block)
    assert "unrecognized arguments: --jason" in problem


def test_a_block_that_is_no_shell_is_found() -> None:
    (problem,) = blocks.problems(blocks.Block("x.md", 1, "run", "", "for n in 1 2; do\n"))
    assert "is no shell" in problem


def test_a_block_is_marked_by_the_comment_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\nls\n```\n\n<!-- block: shown: because -->\n```sh\nls /\n```\n\n```text\nno\n```\n"
        "<!-- block: pi -->\nnot the line above\n```console\n$ id\nroot\n```\n"
    )
    first, second, third = blocks.of_page(page)
    assert (first.kind, first.text, first.line) == ("run", "ls\n", 2)
    assert (second.kind, second.why, second.text) == ("shown", "because", "ls /\n")
    assert (third.kind, third.text) == ("shown", "id\n")


# What systemd, ssh, the kernel and other packages say, in troubleshooting.md.
OTHERS = {
    "_ARRAY_API not found", "Address already in use", "Failed with result 'timeout'",
    "pi-edge.service: Watchdog timeout (limit 30s)!", "status=203/EXEC",
    "No module named 'lgpio'", "can not open gpiochip", "GPIO busy", "Host key verification failed",
}  # fmt: skip


def messages() -> Iterator[str]:
    """The messages that troubleshooting.md tells of: the code in its bold lines."""
    for line in (DOCS / "troubleshooting.md").read_text().splitlines():
        if line.startswith("**"):
            yield from re.findall(r"`([^`]+)`", line.rpartition("**")[0])


@pytest.fixture(scope="module")
def said() -> list[str]:
    """All texts in the code; of one with values in it, the parts between them."""
    found = [(ROOT / "scripts/lib/python.sh").read_text()]
    for folder in ("pi_edge", "scripts/lib"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return found


@pytest.mark.parametrize("message", list(messages()))
def test_a_message_in_troubleshooting_is_one_that_the_code_has(
    message: str, said: list[str]
) -> None:
    if message in OTHERS:
        return
    missing = [
        part
        for part in message.split("...")
        if part.strip() and not any(part in one for one in said)
    ]
    assert not missing


def test_commands_without_a_fence_are_found_and_are_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("Ask:\n\n    $ pi-edge status\n    ready\n\nIt says\n\n    pi-edge: no\n")
    (block,) = blocks.of_page(page)
    assert (block.kind, block.line, block.text) == ("loose", 3, "pi-edge status\n")
    (problem,) = blocks.problems(block)
    assert "has no fence" in problem
