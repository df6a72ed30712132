"""What Home Assistant has to be told so that it shows this machine as a device.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery and, for the fields of each kind,
https://www.home-assistant.io/integrations/sensor.mqtt/ and .../binary_sensor.mqtt/
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pi_edge import __version__

_STATES = ["starting", "ready", "degraded", "failed", "stopping"]

# Entities of the machine: kind, name, and what is special about each. All are in STATE_TOPIC.
_MACHINE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "state": (
        "sensor",
        "State",
        {
            "value_template": "{{ value_json.state }}",
            "device_class": "enum",
            "options": _STATES,
            "entity_category": "diagnostic",
        },
    ),
    "learning": (
        "binary_sensor",
        "Learning",
        {
            "value_template": "{{ 'ON' if value_json.learning else 'OFF' }}",
            "device_class": "running",
            "entity_category": "diagnostic",
        },
    ),
    "inferences": (
        "sensor",
        "Inferences",
        {
            "value_template": "{{ value_json.inferences }}",
            "state_class": "total_increasing",
            "entity_category": "diagnostic",
        },
    ),
    "temperature": (
        "sensor",
        "Temperature",
        {
            "value_template": "{{ value_json.temperature_c }}",
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "entity_category": "diagnostic",
        },
    ),
}

# Entities of tasks, each with the task's last answer in its attributes.
_TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "digits": (
        "Digits",
        {"value_template": "{{ value_json.number or 'none' }}", "icon": "mdi:numeric"},
    ),
    "stocks": (
        "Forecasts",
        {"value_template": "{{ value_json.forecasts | count }}", "icon": "mdi:chart-line"},
    ),
    "regression": (
        "Prediction",
        {
            "value_template": "{{ value_json.predictions[0] }}",
            "state_class": "measurement",
            "icon": "mdi:chart-scatter-plot",
        },
    ),
    "style": ("Painted", {"value_template": "{{ value_json.styles }}", "icon": "mdi:palette"}),
}


@dataclass(frozen=True)
class Device:
    """This machine to Home Assistant.

    Attributes:
        identity: letters, digits, - and _, like no other's and the same after every restart.
        name: what people call it.
        board: which machine it is, in words.
        topic: what its topics begin with.
    """

    identity: str
    name: str
    board: str
    topic: str

    @property
    def availability(self) -> str:
        """Topic of "online" and "offline"."""
        return f"{self.topic}/availability"

    @property
    def state(self) -> str:
        """Topic of the daemon's state."""
        return f"{self.topic}/state"

    def results(self, task: str) -> str:
        """Topic of a task's answers."""
        return f"{self.topic}/results/{task}"


def documents(
    prefix: str, device: Device, tasks: Collection[str], with_temperature: bool
) -> dict[str, dict[str, Any]]:
    """Discovery topic -> document, to be published retained.

    Args:
        prefix: Home Assistant's discovery prefix, usually "homeassistant".
        tasks: those that some model here is for.
        with_temperature: the machine knows how warm it is.
    """
    made = {}
    for key, (kind, name, fields) in _MACHINE.items():
        if key != "temperature" or with_temperature:
            document = _document(device, key, name, {"state_topic": device.state, **fields})
            made[_topic(prefix, kind, device, key)] = document
    for task in sorted(_TASKS.keys() & set(tasks)):
        name, fields = _TASKS[task]
        topic = device.results(task)
        fields = {"state_topic": topic, "json_attributes_topic": topic, **fields}
        made[_topic(prefix, "sensor", device, task)] = _document(device, task, name, fields)
    return made


def _topic(prefix: str, kind: str, device: Device, key: str) -> str:
    return f"{prefix}/{kind}/{device.identity}/{key}/config"


def _document(device: Device, key: str, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "unique_id": f"{device.identity}_{key}",
        **fields,
        "availability_topic": device.availability,
        "device": {
            "identifiers": [device.identity],
            "name": device.name,
            "manufacturer": "pi-edge",
            "model": device.board,
            "sw_version": __version__,
        },
        "origin": {"name": "pi-edge", "sw_version": __version__},
    }
