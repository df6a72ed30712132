"""How a model and its variants fare: frozen, so that anybody may keep what they were given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pi_edge import catalog
from pi_edge.handle import Handle

# Of a file: path, inode, size in bytes, time of change in nanoseconds.
Fingerprint = tuple[str, int, int, int]


def fingerprint(file: Path) -> Fingerprint:
    """What tells a changed file from the same one without reading it."""
    try:
        stat = file.stat()
    except OSError:  # gone meanwhile: loading it will say so
        return str(file), 0, 0, 0
    return str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True)
class Variant:
    """One variant: its state (probing, loading, ready, quarantined, unloaded), the reason when
    it is quarantined, the handle when it is ready."""

    state: str
    reason: str = ""
    handle: Handle | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True)
class ModelStatus:
    """One model: what the catalogue says and how its variants fare.

    ``reason`` says in one line why anything of it is quarantined.
    """

    entry: catalog.Entry
    variants: Mapping[str, Variant] = field(default_factory=dict)
    problem: str = ""

    @property
    def state(self) -> str:
        """Ready when any variant is; otherwise what most holds it back."""
        states = {variant.state for variant in self.variants.values()}
        for state in ("ready", "probing", "loading", "unloaded"):
            if state in states:
                return state
        return "quarantined"

    @property
    def reason(self) -> str:
        reasons = [f"{name}: {v.reason}" for name, v in self.variants.items() if v.reason]
        return self.problem or "; ".join(reasons)
