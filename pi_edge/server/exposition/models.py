"""Metrics of models and their variants."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from pi_edge.handle import Handle
from pi_edge.histogram import cumulated
from pi_edge.repository import Repository

STATES = ("probing", "loading", "ready", "quarantined", "unloaded")

_NAMES = ["model", "variant"]


def families(repository: Repository) -> Iterator[Metric]:
    """States of all variants, and what those that are loaded have done since."""
    models = GaugeMetricFamily(
        "pi_edge_model_state", "1 for the state a variant is in", labels=[*_NAMES, "state"]
    )
    handles: list[Handle] = []
    for name, model in repository.models().items():
        for version, variant in model.variants.items():
            for state in STATES:
                models.add_metric([name, version, state], float(state == variant.state))
            if variant.handle:
                handles.append(variant.handle)
        if model.problem:
            models.add_metric([name, "", "quarantined"], 1)
    yield models
    yield from _entered(repository)
    yield from _inferences(handles)


def _entered(repository: Repository) -> Iterator[Metric]:
    loads = CounterMetricFamily("pi_edge_model_loads", "Times a variant was loaded", labels=_NAMES)
    quarantines = CounterMetricFamily(
        "pi_edge_model_quarantines", "Times a variant was quarantined", labels=_NAMES
    )
    counters = {"ready": loads, "quarantined": quarantines}
    for (name, version, state), count in repository.entered.copy().items():
        if state in counters:
            counters[state].add_metric([name, version], count)
    yield from counters.values()


def _inferences(handles: list[Handle]) -> Iterator[Metric]:
    inferences = CounterMetricFamily("pi_edge_inferences", "Inferences done", labels=_NAMES)
    failures = CounterMetricFamily(
        "pi_edge_inference_failures", "Inferences that failed or were refused", labels=_NAMES
    )
    compute = CounterMetricFamily(
        "pi_edge_inference_seconds", "Time spent in the runtime", labels=_NAMES
    )
    durations = HistogramMetricFamily(
        "pi_edge_inference_duration_seconds", "Time in the runtime of an inference", labels=_NAMES
    )
    queue = CounterMetricFamily(
        "pi_edge_queue_seconds", "Time requests waited for earlier ones", labels=_NAMES
    )
    waiting = GaugeMetricFamily(
        "pi_edge_queue_waiting", "Inferences that wait for earlier ones now", labels=_NAMES
    )
    lost = CounterMetricFamily(
        "pi_edge_model_lost", "Times a worker died or was late and was replaced", labels=_NAMES
    )
    for handle in handles:
        labels, counts = [handle.name, handle.version], handle.statistics()
        inferences.add_metric(labels, counts.success)
        failures.add_metric(labels, counts.fail)
        compute.add_metric(labels, counts.compute_ns / 1e9)
        if counts.success:  # of what is not used two dozen lines would be to be read each time
            buckets = cumulated(counts.durations.copy())
            durations.add_metric(labels, buckets, counts.compute_ns / 1e9)
        queue.add_metric(labels, counts.queue_ns / 1e9)
        waiting.add_metric(labels, handle.waiting)
        lost.add_metric(labels, counts.lost)
    yield from (inferences, failures, compute, durations, queue, waiting, lost)
