"""Which files under docs/ are made from the code, and whether they are as the code is now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from docs_site import commands, http_api, settings
from pi_edge.files import write_bytes

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
MADE: dict[str, Callable[[], str]] = {
    "openapi.json": http_api.openapi,
    "reference/commands.md": commands.page,
    "reference/settings.md": settings.page,
    "reference/http-api.md": http_api.page,
}


def stale() -> list[str]:
    """Those that are missing, or not what the code makes now."""
    return [name for name in MADE if is_stale(name)]


def is_stale(name: str) -> bool:
    """Whether one of MADE is missing, or not what the code makes now."""
    return _read(DOCS / name) != MADE[name]()


def update() -> list[str]:
    """Write those anew that are stale; returns which."""
    changed = stale()
    for name in changed:
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(DOCS / name, MADE[name]().encode())
    return changed


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
