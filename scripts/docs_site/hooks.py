"""What MkDocs lacks for this site: pages that lie beside docs/, and links to and from them.

README.md is the front page; SECURITY.md, CHANGELOG.md, CONTRIBUTING.md and NOTICE are pages too. On
a code host all of them are read where they lie, so their links are written for that, and rewritten
here.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent.parent
# File in the checkout's root -> page of the site.
OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "NOTICE": "notice.md",
}
# [text](target), ![text](target "title"); not within code, which these pages do not do.
_LINK = re.compile(r"(\]\()([^)\s]+)([^)]*\))")
# [docs/deploy.md](docs/deploy.md)
_NAMED = re.compile(r"\[([\w/.-]+\.md)\]\(([^):\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie beside docs/."""
    for name, page in OUTSIDE.items():
        text = (ROOT / name).read_text()
        if not name.endswith(".md"):
            text = f"# {name.capitalize()}\n\n```text\n{text}```\n"
        files.append(File.generated(config, page, content=_from_root(text)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Let links of pages in docs/ to those beside it lead to pages of the site."""
    here = posixpath.dirname(page.file.src_uri)
    if page.file.src_uri in OUTSIDE.values():
        return _titled(markdown, here)

    def rewritten(match: re.Match[str]) -> str:
        target, hash_sign, anchor = match[2].partition("#")
        # As the code host sees it: docs/HERE/TARGET.
        place = posixpath.normpath(posixpath.join("docs", here, target))
        if place not in OUTSIDE:
            return match[0]
        to = posixpath.relpath(OUTSIDE[place], here or ".")
        return f"{match[1]}{to}{hash_sign}{anchor}{match[3]}"

    return _titled(_LINK.sub(rewritten, markdown), here)


def _titled(markdown: str, here: str) -> str:
    """Call pages by their titles where a link calls them by the names of their files."""

    def titled(match: re.Match[str]) -> str:
        page = posixpath.normpath(posixpath.join(here, match[2].partition("#")[0]))
        beside = {to: name for name, to in OUTSIDE.items()}
        path = ROOT / beside.get(page, f"docs/{page}")
        heading = re.match("# (.+)", path.read_text()) if path.is_file() else None
        return f"[“{heading[1]}”]({match[2]})" if heading else match[0]

    return _NAMED.sub(titled, markdown)


def _from_root(markdown: str) -> str:
    """A page of the checkout's root, with links as they are from within docs/."""

    def rewritten(match: re.Match[str]) -> str:
        target, hash_sign, anchor = match[2].partition("#")
        if "://" in target or not target:
            return match[0]
        to = OUTSIDE.get(target, target.removeprefix("docs/"))
        return f"{match[1]}{to}{hash_sign}{anchor}{match[3]}"

    return _LINK.sub(rewritten, markdown)
