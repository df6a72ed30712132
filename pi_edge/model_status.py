"""How a model and its variants fare: frozen, so that anybody may keep what they were given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pi_edge import catalog, nearest
from pi_edge.errors import NotFound, Unavailable
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
    it is quarantined, the handle when it is ready, and what it was loaded from: the file as it
    was, and what model.json told of it."""

    state: str
    reason: str = ""
    handle: Handle | None = None
    origin: tuple[object, ...] | None = None


@dataclass(frozen=True)
class ModelStatus:
    """One model: what the catalogue says and how its variants fare.

    ``problem`` says why its folder cannot be read, ``refused`` why what now lies there does not
    take the place of what is served; what was ready before serves on. ``reason`` says in one line
    all that is wrong.
    """

    entry: catalog.Entry
    variants: Mapping[str, Variant] = field(default_factory=dict)
    problem: str = ""
    refused: str = ""

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
        return "; ".join([*filter(None, [self.problem, self.refused]), *reasons])

    @property
    def faulty(self) -> bool:
        """Whether anything of it is out of service that should not be."""
        states = (variant.state for variant in self.variants.values())
        return bool(self.problem or self.refused) or "quarantined" in states

    def handle(self, version: str = "") -> Handle:
        """A handle on a variant, the default one where none is named.

        Raises:
            NotFound: no such variant.
            Unavailable: it is not ready.
        """
        name = self.entry.name
        version = version or self.entry.default
        variant = self.variants.get(version)
        if variant is None:
            if self.problem:
                raise Unavailable(f"{name} is quarantined: {self.problem}")
            others = nearest.instead(version, self.variants, "it has")
            raise NotFound(f"{name} has no variant {version!r}{others}")
        if variant.handle is None:
            reason = f": {variant.reason}" if variant.reason else ""
            # It will be ready or quarantined soon.
            soon = 1 if variant.state in ("probing", "loading") else None
            raise Unavailable(f"{name}/{version} is {variant.state}{reason}", soon)
        return variant.handle
