"""Discovery documents, held against what Home Assistant documents of them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pi_edge.integrations.home_assistant import Device, documents

DEVICE = Device("pi_edge_0123", "kitchen", "Raspberry Pi 4 Model B", "pi-edge/kitchen")
MADE = documents("homeassistant", DEVICE, ["digits", "stocks", "regression", "style"], True)

# https://www.home-assistant.io/integrations/sensor.mqtt/, .../binary_sensor.mqtt/ and, for the
# device and the origin, .../mqtt/#discovery-messages
COMMON = {"name", "unique_id", "state_topic", "availability_topic", "value_template", "device"}
COMMON |= {"device_class", "entity_category", "icon", "json_attributes_topic", "origin"}
FIELDS = {
    "sensor": COMMON | {"options", "state_class", "unit_of_measurement"},
    "binary_sensor": COMMON,
}
OF_DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version"}


@pytest.mark.parametrize(("topic", "document"), MADE.items(), ids=lambda one: str(one)[:60])
def test_a_document_has_what_is_required_and_nothing_unheard_of(
    topic: str, document: dict[str, Any]
) -> None:
    found = re.fullmatch(r"homeassistant/([a-z_]+)/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)/config", topic)
    assert found
    assert document.keys() <= FIELDS[found[1]]
    assert document["state_topic"].startswith("pi-edge/kitchen/")
    assert document["availability_topic"] == "pi-edge/kitchen/availability"
    assert re.fullmatch(r"\{\{ .*value_json\..* \}\}", document["value_template"])
    assert document["device"].keys() == OF_DEVICE
    # A class enum goes with options, and a state class with no class enum.
    assert (document.get("device_class") == "enum") == ("options" in document)
    assert not ("options" in document and "state_class" in document)


def test_every_entity_is_its_own_and_all_are_of_one_device() -> None:
    assert len({document["unique_id"] for document in MADE.values()}) == len(MADE)
    assert {tuple(document["device"]["identifiers"]) for document in MADE.values()} == {
        (DEVICE.identity,)
    }


def test_there_is_nothing_of_a_task_without_a_model_or_of_a_thermometer_that_is_not_there() -> None:
    few = documents("homeassistant", DEVICE, ["digits", "tensors"], False)
    keys = {topic.split("/")[3] for topic in few}
    assert keys == {"state", "learning", "inferences", "digits"}
