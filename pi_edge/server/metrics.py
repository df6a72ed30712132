"""What /metrics tells Prometheus.

Counting happens on every request, so it is two additions to plain numbers; prometheus_client,
which turns them into text, is imported when somebody first asks.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from pi_edge.repository import Repository
from pi_edge.server.line import Line

STATES = ("starting", "ready", "degraded", "failed", "stopping")
MODEL_STATES = ("probing", "loading", "ready", "quarantined", "unloaded")

# Upper bounds of the latency histogram's buckets, in seconds.
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts of requests, and everything else as the repository knows it."""

    def __init__(self, repository: Repository, state: Callable[[], str], styling: Line) -> None:
        self._repository, self._state, self._styling = repository, state, styling
        self._requests: Counter[tuple[str, int]] = Counter()
        self._latency: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._registry: Any = None

    def count(self, route: str, status: int, seconds: float) -> None:
        """One request answered. ``route`` is the path's pattern, not the path."""
        self._requests[route, status] += 1
        if route not in self._latency:
            self._latency[route] = [0] * (len(BOUNDS) + 1)
        self._latency[route][bisect.bisect_left(BOUNDS, seconds)] += 1
        self._seconds[route] += seconds

    def text(self) -> tuple[bytes, str]:
        """Prometheus' text format and its content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        if self._registry is None:
            self._registry = CollectorRegistry(auto_describe=False)
            self._registry.register(self)
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Any]:
        """Called by prometheus_client for each answer."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        requests = CounterMetricFamily(
            "pi_edge_requests", "HTTP requests answered", labels=["route", "status"]
        )
        for (route, status), count in self._requests.items():
            requests.add_metric([route, str(status)], count)
        yield requests

        latency = HistogramMetricFamily(
            "pi_edge_request_seconds", "From a request's head to its answer's end", labels=["route"]
        )
        for route, buckets in self._latency.items():
            total, cumulated = 0, []
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), buckets, strict=True):
                total += count
                cumulated.append((bound, total))
            latency.add_metric([route], cumulated, self._seconds[route])
        yield latency

        names = ["model", "variant"]
        inferences = CounterMetricFamily("pi_edge_inferences", "Inferences done", labels=names)
        failures = CounterMetricFamily(
            "pi_edge_inference_failures", "Inferences that failed or were refused", labels=names
        )
        compute = CounterMetricFamily(
            "pi_edge_inference_seconds", "Time spent in the runtime", labels=names
        )
        queue = CounterMetricFamily(
            "pi_edge_queue_seconds", "Time requests waited for earlier ones", labels=names
        )
        models = GaugeMetricFamily(
            "pi_edge_model_state", "1 for the state a variant is in", labels=[*names, "state"]
        )
        for name, model in self._repository.models().items():
            for version, variant in model.variants.items():
                for state in MODEL_STATES:
                    models.add_metric([name, version, state], float(state == variant.state))
                if variant.handle:
                    counts = variant.handle.statistics()
                    inferences.add_metric([name, version], counts.success)
                    failures.add_metric([name, version], counts.fail)
                    compute.add_metric([name, version], counts.compute_ns / 1e9)
                    queue.add_metric([name, version], counts.queue_ns / 1e9)
        yield from (inferences, failures, compute, queue, models)

        styling = GaugeMetricFamily(
            "pi_edge_styling", "Photos being styled, and waiting for that", labels=["state"]
        )
        styling.add_metric(["running"], self._styling.running)
        styling.add_metric(["waiting"], self._styling.waiting)
        yield styling

        daemon = GaugeMetricFamily("pi_edge_state", "1 for the daemon's state", labels=["state"])
        for state in STATES:
            daemon.add_metric([state], float(state == self._state()))
        yield daemon
