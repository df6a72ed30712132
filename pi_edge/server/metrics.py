"""What /metrics tells Prometheus.

Counting happens on every request (counts.py); prometheus_client, which turns all that is known into
text, is imported when somebody first asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pi_edge.repository import Repository
from pi_edge.server.bodies import Room
from pi_edge.server.counts import Counts
from pi_edge.server.line import Line


class Metrics:
    """Counts of requests, and everything else as the repository and the daemon know it.

    Args:
        repository: the models.
        state: the daemon's state.
        styling: the line of photos.
        room: what request bodies take.
        status: what /status says beside the models; may take a moment.
    """

    def __init__(
        self,
        repository: Repository,
        state: Callable[[], str],
        styling: Line,
        room: Room,
        status: Callable[[], dict[str, Any]],
    ) -> None:
        self._repository, self._state, self._styling = repository, state, styling
        self._room, self._status = room, status
        self._counts = Counts()
        self.count = self._counts.add

    def text(self) -> tuple[bytes, str]:
        """Prometheus' text format and its content type. May take a moment; from any thread."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
        from prometheus_client.exposition import generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Any]:
        """Called by prometheus_client for each answer."""
        from pi_edge.server.exposition import broker, daemon, learning, machine, models, requests

        status = self._status()
        yield from requests.families(self._counts, self._styling, self._room)
        yield from models.families(self._repository)
        yield from daemon.families(self._state(), status)
        yield from learning.families(status.get("learning"))
        yield from broker.families(status.get("mqtt"))
        yield from machine.families(status.get("machine", {}))
