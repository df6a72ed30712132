"""What is counted of every request: a few additions to plain numbers."""

from __future__ import annotations

from collections import Counter, defaultdict

from pi_edge.histogram import Durations
from pi_edge.server.asked import Asked


class Counts:
    """Counts since the daemon started. One thread adds; others may copy.

    Attributes:
        requests: by route and status.
        errors: by model, variant (both "" where the request named none that exists) and kind.
        routes: how long requests took, by route.
        models: the same by model and variant.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.errors: Counter[tuple[str, str, str]] = Counter()
        self.routes: defaultdict[str, Durations] = defaultdict(Durations)
        self.models: defaultdict[tuple[str, str], Durations] = defaultdict(Durations)

    def add(self, route: str, status: int, nanoseconds: int, asked: Asked) -> None:
        """One request answered. ``route`` is the path's pattern, not the path."""
        self.requests[route, status] += 1
        self.routes[route].add(nanoseconds)
        if asked.variant:
            self.models[asked.model, asked.variant].add(nanoseconds)
        if asked.kind:
            self.errors[asked.model, asked.variant, asked.kind] += 1
