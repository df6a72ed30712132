"""Metrics of the MQTT broker that is told of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily


def families(mqtt: Mapping[str, Any] | None) -> Iterator[Metric]:
    """Whether the broker is there, and what became of the results.

    Args:
        mqtt: as /status has it; None, and so no metrics, where no broker is set.
    """
    if mqtt is None:
        return
    yield GaugeMetricFamily(
        "pi_edge_mqtt_connected", "1 while the broker is there", float(mqtt["connected"])
    )
    yield GaugeMetricFamily("pi_edge_mqtt_waiting", "Results for the broker", mqtt["waiting"])
    yield CounterMetricFamily(
        "pi_edge_mqtt_delivered", "Results that the broker has acknowledged", mqtt["delivered"]
    )
    yield CounterMetricFamily(
        "pi_edge_mqtt_dropped", "Results that found no more room to wait", mqtt["dropped"]
    )
