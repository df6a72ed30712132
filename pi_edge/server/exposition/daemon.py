"""Metrics of the daemon itself: state, light, build, memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from pi_edge import processes

STATES = ("starting", "ready", "degraded", "failed", "stopping")


def families(state: str, status: Mapping[str, Any]) -> Iterator[Metric]:
    """The daemon's ``state``, and what else of /status has numbers. What it does not say is left
    out."""
    daemon = GaugeMetricFamily("pi_edge_state", "1 for the daemon's state", labels=["state"])
    for name in STATES:
        daemon.add_metric([name], float(name == state))
    yield daemon
    if "uptime" in status:
        yield GaugeMetricFamily(
            "pi_edge_uptime_seconds", "Time since the daemon started", status["uptime"]
        )
    if (held := status.get("examples", {}).get("count")) is not None:
        yield GaugeMetricFamily("pi_edge_examples", "Digits put right that are kept", held)
    yield from _build(status)
    yield from _light(status.get("led", {}))
    yield from _memory()


def _build(status: Mapping[str, Any]) -> Iterator[Metric]:
    if "runtime" not in status:
        return
    told = {
        "version": status["version"],
        "runtime": status["runtime"]["name"],
        "runtime_version": status["runtime"]["version"],
        "python": status["machine"]["python"],
        "numpy": status["machine"]["numpy"],
    }
    build = GaugeMetricFamily("pi_edge_build_info", "What runs here; always 1", labels=[*told])
    build.add_metric([*told.values()], 1)
    yield build


def _light(led: Mapping[str, Any]) -> Iterator[Metric]:
    if led.get("mode", "off") == "off":
        return
    yield GaugeMetricFamily(
        "pi_edge_led_available", "1 while the status light is on its pin", float(led["out"] is None)
    )
    yield GaugeMetricFamily("pi_edge_led_lit", "1 while the status light is lit", led["lit"])
    shown = GaugeMetricFamily(
        "pi_edge_led_state", "1 for the state that the light shows", labels=["state"]
    )
    for name in (*STATES[:-1], "learning", "stopped"):
        shown.add_metric([name], float(name == led["shows"]))
    yield shown
    yield CounterMetricFamily(
        "pi_edge_led_winks", "Winks that the light showed for inferences", led["winks"]
    )


def _memory() -> Iterator[Metric]:
    labels = ["process"]
    count = GaugeMetricFamily("pi_edge_processes", "Processes of the daemon", labels=labels)
    resident = GaugeMetricFamily(
        "pi_edge_memory_resident_bytes", "Memory mapped in, shared or not", labels=labels
    )
    proportional = GaugeMetricFamily(
        "pi_edge_memory_proportional_bytes", "The same, shared memory divided", labels=labels
    )
    for name, usage in processes.usage().items():
        count.add_metric([name], usage.count)
        resident.add_metric([name], usage.resident)
        if usage.proportional is not None:
            proportional.add_metric([name], usage.proportional)
    yield from (count, resident, proportional)
