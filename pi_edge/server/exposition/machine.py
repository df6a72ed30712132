"""Metrics of the machine: temperature, clock, throttling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from pi_edge.benchmark.machine import THROTTLE_BITS, throttling_now, throttling_since_boot


def families(machine: Mapping[str, Any]) -> Iterator[Metric]:
    """What ``pi_edge.benchmark.machine.conditions`` says. What the machine does not tell is left
    out."""
    if (degrees := machine.get("temperature_c")) is not None:
        yield GaugeMetricFamily(
            "pi_edge_machine_temperature_celsius", "The hottest thermal zone", degrees
        )
    if (clock := machine.get("clock_mhz")) is not None:
        yield GaugeMetricFamily(
            "pi_edge_machine_clock_hertz", "The first core's clock now", clock * 1e6
        )
    if (word := machine.get("throttled")) is not None:
        yield _reasons(
            "pi_edge_machine_throttled",
            "1 for what slows the machine now",
            throttling_now(word),
        )
        yield _reasons(
            "pi_edge_machine_throttled_since_boot",
            "1 for what has slowed the machine since it booted",
            throttling_since_boot(word),
        )


def _reasons(name: str, text: str, present: list[str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["reason"])
    for reason in THROTTLE_BITS.values():
        family.add_metric([reason], float(reason in present))
    return family
