"""Settings of MQTT, and what becomes of them."""

from pathlib import Path

import pytest

from pi_edge import config
from pi_edge.errors import BadInput
from pi_edge.integrations.mqtt import device_of


@pytest.mark.parametrize(
    "broker",
    ["broker.local", "10.0.0.7:1883", "[fe80::1]:1883", "mqtt://broker", "mqtts://broker:8883"],
)
def test_a_broker_is_named_in_any_usual_way(broker: str) -> None:
    assert config.load({}, {"PI_EDGE_MQTT": broker}).mqtt == broker


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"mqtt": "http://broker"}, "--mqtt must name a broker as in"),
        ({"mqtt": "broker:port"}, "not 'broker:port'"),
        ({"mqtt": "broker:0"}, "not 'broker:0'"),
        ({"mqtt": "broker:65536"}, "not 'broker:65536'"),
        ({"mqtt": "user:secret@broker"}, "--mqtt must name"),
        ({"mqtt_topic": "pi/#"}, "--mqtt_topic must be a topic as in pi-edge/kitchen"),
        ({"mqtt_topic": "$SYS"}, "without . and #, not '.SYS'"),
        ({"mqtt_discovery": "+"}, "--mqtt_discovery must be"),
        ({"mqtt_queue": 0}, "--mqtt_queue must be from 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(flags: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        config.load(flags, {})


def test_there_is_no_broker_unless_one_is_named() -> None:
    settings = config.load({}, {})
    assert (settings.mqtt, settings.mqtt_password, settings.mqtt_queue) == ("", None, 1000)


def test_a_daemon_is_itself_after_a_restart_and_under_another_topic(tmp_path: Path) -> None:
    one = device_of(config.load({"state": str(tmp_path)}, {}))
    again = device_of(config.load({"state": str(tmp_path), "mqtt_topic": "pi/hall"}, {}))
    other = device_of(config.load({"state": str(tmp_path / "other")}, {}))
    assert one.identity == again.identity != other.identity
    assert one.topic.startswith("pi-edge/")
    assert (again.state, again.name) == ("pi/hall/state", "hall")
