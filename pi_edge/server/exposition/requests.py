"""Metrics of requests."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from pi_edge.histogram import Durations, cumulated
from pi_edge.server.bodies import Room
from pi_edge.server.counts import Counts
from pi_edge.server.line import Line


def families(counts: Counts, styling: Line, room: Room) -> Iterator[Metric]:
    """What was counted of requests, what their bodies take, and the line of photos."""
    requests = CounterMetricFamily(
        "pi_edge_requests", "HTTP requests answered", labels=["route", "status"]
    )
    for (route, status), count in counts.requests.copy().items():
        requests.add_metric([route, str(status)], count)
    yield requests

    latency = HistogramMetricFamily(
        "pi_edge_request_seconds", "From a request's head to its answer's end", labels=["route"]
    )
    for route, durations in counts.routes.copy().items():
        _add(latency, [route], durations)
    yield latency

    by_model = HistogramMetricFamily(
        "pi_edge_model_request_duration_seconds",
        "The same of requests that ask a model for an answer",
        labels=["model", "variant"],
    )
    for names, durations in counts.models.copy().items():
        _add(by_model, [*names], durations)
    yield by_model

    errors = CounterMetricFamily(
        "pi_edge_request_errors",
        "Requests that ended in an error",
        labels=["model", "variant", "kind"],
    )
    for labels, count in counts.errors.copy().items():
        errors.add_metric([*labels], count)
    yield errors

    yield GaugeMetricFamily(
        "pi_edge_bodies_bytes", "What request bodies of more than 64 KiB take now", room.taken
    )

    photos = GaugeMetricFamily(
        "pi_edge_styling", "Photos being styled, and waiting for that", labels=["state"]
    )
    photos.add_metric(["running"], styling.running)
    photos.add_metric(["waiting"], styling.waiting)
    yield photos


def _add(family: HistogramMetricFamily, labels: list[str], durations: Durations) -> None:
    family.add_metric(labels, cumulated(durations.counts.copy()), durations.total / 1e9)
