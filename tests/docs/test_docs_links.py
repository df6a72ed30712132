"""What is found out of order in a built site, and in a shell text."""

from __future__ import annotations

import sys
from pathlib import Path

from support import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
from docs_site import blocks, links


def site(folder: Path, **pages: str) -> Path:
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<html><body>{body}</body></html>")
    return folder


def test_links_that_lead_somewhere_are_no_problem_and_those_outward_are_listed(
    tmp_path: Path,
) -> None:
    made = site(
        tmp_path,
        one='<h2 id="here"></h2><a href="two.html#there">2</a><a href="#here">1</a>',
        two='<h2 id="there"></h2><a href="https://example.org/">out</a>',
    )
    assert links.check(made) == ([], {"https://example.org/"})


def test_a_heading_and_a_page_that_are_not_there_are_found(tmp_path: Path) -> None:
    made = site(tmp_path, one='<a href="two.html#nowhere"></a><a href="three.html"></a>', two="")
    problems, _ = links.check(made)
    assert problems == [
        "one.html links to three.html, which is not there",
        "one.html links to two.html#nowhere, and there is no such heading",
    ]


def test_what_a_page_would_fetch_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.css").write_text("@font-face { src: url('https://fonts.example/f.woff2') }")
    made = site(
        tmp_path,
        one='<link rel="stylesheet" href="page.css"><script src="https://cdn.example/x.js">'
        '</script><img src="missing.png"><link rel="canonical" href="https://example.org/">',
    )
    problems, _ = links.check(made)
    assert problems == [
        "one.html fetches https://cdn.example/x.js, which lies elsewhere",
        "one.html fetches missing.png, which is not there",
        "page.css imports https://fonts.example/f.woff2",
    ]


def test_commands_are_found_without_what_surrounds_them() -> None:
    text = (
        "sudo A=1 pi-edge status --json > file | head -1   # said twice\n"
        "curl -d '{\"x\": [1, 2]}' \\\n    http://127.0.0.1:8080/tasks/regression && echo done\n"
        "python - <<'END'\npi-edge is no command here\nEND\nls\n"
    )
    assert list(blocks.commands(text)) == [
        ["pi-edge", "status", "--json"],
        ["head", "-1"],
        ["curl", "-d", '{"x": [1, 2]}', "http://127.0.0.1:8080/tasks/regression"],
        ["echo", "done"],
        ["python", "-"],
        ["ls"],
    ]
