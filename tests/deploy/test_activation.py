"""Which unit files a switch leaves, whatever was there before and however it ends."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from pi_edge.deploy.agent import activation, service
from pi_edge.deploy.agent import release as releases
from pi_edge.deploy.agent.store import Store, receive

DAEMON, *FURTHER = UNITS = (releases.UNIT, *releases.FURTHER_UNITS)


class Host:
    """A machine's folders below a folder, and a systemd that starts what it is told to."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.store = Store(folder / "opt")
        self.units = folder / "units"
        self.units.mkdir()
        self.asked: list[tuple[str, ...]] = []
        self.broken: set[str] = set()
        patch.setattr(activation, "UNITS", self.units)
        patch.setattr(activation, "CONFIG", folder / "config.toml")
        patch.setattr(activation, "COMMAND", folder / "bin/pi-edge")
        patch.setattr(service, "systemctl", self._systemctl)
        patch.setattr(service, "wait_until_ready", self._wait)

    def _systemctl(self, *arguments: str) -> str:
        self.asked.append(arguments)
        return ""

    def _wait(self, former: int, limit: float) -> str:
        return "it does not start" if self.store.serving() in self.broken else ""

    def make(self, release: str, *units: str) -> None:
        """A release with these unit files."""
        contents = {f"systemd/{unit}": f"{release} of /opt/pi-edge {unit}" for unit in units}
        listed = []
        for path, text in contents.items():
            data = text.encode()
            sha256 = hashlib.sha256(data).hexdigest()
            receive(self.store, [(sha256, len(data))], io.BytesIO(data).read)
            listed.append((path, sha256))
        releases.assemble(self.store, release, listed, "environment")

    def switch(self, release: str) -> None:
        activation.begin(self.store, "id", release, None)
        assert activation.run(self.store) == 0

    def installed(self) -> dict[str, str]:
        """The unit files there are, and which release each is of."""
        return {path.name: path.read_text().split()[0] for path in self.units.iterdir()}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_all_units_of_a_release_are_installed_and_only_the_daemons_is_enabled(host: Host) -> None:
    host.make("r1", *UNITS)
    host.switch("r1")
    assert host.installed() == dict.fromkeys(UNITS, "r1")
    assert f"of {host.store.current} " in (host.units / FURTHER[0]).read_text()
    assert [names for verb, *names in host.asked if verb == "enable"] == [[DAEMON]]


def test_a_release_that_does_not_start_takes_its_units_along(host: Host) -> None:
    host.make("r1", *UNITS)
    host.make("r2", *UNITS)
    host.switch("r1")
    host.broken.add("r2")
    host.switch("r2")
    assert host.store.serving() == "r1"
    assert host.installed() == dict.fromkeys(UNITS, "r1")
    assert not [asked for asked in host.asked if asked[0] == "stop"]


def test_going_back_to_a_release_that_cannot_learn_stops_and_removes_what_lets_it(
    host: Host,
) -> None:
    host.make("old", DAEMON)
    host.make("new", *UNITS)
    host.switch("new")
    host.switch("old")
    assert host.installed() == {DAEMON: "old"}
    stopped = {names[0] for verb, *names in host.asked if verb == "stop"}
    assert stopped == {"pi-edge-learn@*.service", "pi-edge-learn@*.timer"}


def test_a_checkouts_units_are_back_when_the_first_release_does_not_start(host: Host) -> None:
    for name in UNITS:
        (host.units / name).write_text("checkout")
    host.make("r1", *UNITS)
    host.broken.add("r1")
    host.switch("r1")
    assert host.installed() == dict.fromkeys(UNITS, "checkout")


def test_a_first_release_that_does_not_start_leaves_no_unit(host: Host) -> None:
    host.make("r1", *UNITS)
    host.broken.add("r1")
    host.switch("r1")
    assert host.installed() == {}


def test_a_switch_that_an_agent_before_these_units_began_is_finished(host: Host) -> None:
    host.make("r1", DAEMON)
    activation.begin(host.store, "id", "r1", None)
    path = host.store.root / "pending.json"
    told: dict[str, Any] = json.loads(path.read_text())
    for side in ("wanted", "former"):
        del told[side]["further"]
    path.write_text(json.dumps(told))
    assert activation.run(host.store) == 0
    assert host.installed() == {DAEMON: "r1"}
