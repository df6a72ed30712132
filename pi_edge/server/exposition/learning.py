"""Metrics of a model being learned on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

_GAUGES = {
    "epoch": ("pi_edge_learning_epoch", "The epoch that learning is in"),
    "epochs": ("pi_edge_learning_epochs", "Epochs that there will be"),
    "loss": ("pi_edge_learning_loss", "Loss lately"),
    "accuracy": ("pi_edge_learning_accuracy", "Share that was right lately, 0 to 1"),
    "since": ("pi_edge_learning_elapsed_seconds", "Time since learning began"),
    "seconds_left": ("pi_edge_learning_left_seconds", "Time that learning still takes"),
}


def families(learning: Mapping[str, Any] | None) -> Iterator[Metric]:
    """Whether somebody learns, and how far that is. What is not known is left out.

    Args:
        learning: as /status has it; None where nobody learns.
    """
    running = float(learning is not None)
    yield GaugeMetricFamily("pi_edge_learning", "1 while a model is learned here", running)
    for key, (name, text) in _GAUGES.items():
        value = learning[key] if learning else None
        if learning and value is not None:
            gauge = GaugeMetricFamily(name, text, labels=["model"])
            gauge.add_metric([learning["name"]], value)
            yield gauge
