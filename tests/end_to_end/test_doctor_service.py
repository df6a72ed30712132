"""pi-edge doctor beside the service under a real systemd: what it prints is run there, by root."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from booted import DROP_IN, Machine, installed

COMMAND = "LD_LIBRARY_PATH=/mnt/python/lib /opt/pi-edge/.venv/bin/pi-edge doctor --json"
CONFIG = "/etc/pi-edge/config.toml"
Row = dict[str, str]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which the service was installed as its owner does, with a light."""
    with installed(tmp_path_factory.mktemp("machine")) as machine:
        yield machine


def rows(machine: Machine, *checks: str, user: str = "root") -> list[Row]:
    command = f"{COMMAND} {' '.join(checks)} || true"
    said = machine.run(f"su {user} -s /bin/sh -c '{command}'" if user != "root" else command)
    found: list[Row] = json.loads(said)["checks"]
    return found


def wrong(machine: Machine, check: str, found: str, level: str = "fail", user: str = "root") -> Row:
    """The line of a check at this level that has ``found`` in it."""
    told = rows(machine, check, user=user)
    (row,) = (row for row in told if row["level"] == level and found in row["found"])
    return row


def mend(machine: Machine, row: Row) -> None:
    machine.run(row["command"])
    machine.wait_for(lambda: {one["level"] for one in rows(machine, row["check"])} == {"ok"})


def test_a_service_that_runs_is_fine(machine: Machine) -> None:
    told = {row["check"]: row for row in rows(machine)}
    assert {row["level"] for row in told.values()} <= {"ok", "warn"}, told
    assert told["unit"]["found"] == "pi-edge.service is active: ready"
    assert told["watchdog"]["found"] == "a daemon that hangs is ended after 30s"
    assert "is the daemon's" in told["port"]["found"]
    assert told["gpio"]["found"] == "the light is on GPIO17, through FileFactory"
    assert "/var/lib/pi-edge" in told["disk"]["found"]


def test_a_service_that_was_stopped_is_started(machine: Machine) -> None:
    machine.run("systemctl stop pi-edge")
    mend(machine, wrong(machine, "unit", "was stopped"))
    assert machine.show("ActiveState") == "active"


def test_a_service_that_is_disabled_is_enabled(machine: Machine) -> None:
    machine.run("systemctl disable pi-edge")
    mend(machine, wrong(machine, "unit", "does not start with the machine", "warn"))
    assert machine.run("systemctl is-enabled pi-edge").strip() == "enabled"


def test_a_service_that_is_masked_is_unmasked_and_started(machine: Machine) -> None:
    machine.run(
        "systemctl stop pi-edge; cd /etc/systemd/system; mv pi-edge.service /root;"
        " systemctl daemon-reload; systemctl mask pi-edge; mkdir -p /usr/lib/systemd/system;"
        " cp /root/pi-edge.service /usr/lib/systemd/system"
    )
    mend(machine, wrong(machine, "unit", "is masked"))
    assert machine.show("ActiveState") == "active"


def test_a_unit_that_changed_on_the_disk_is_read_again(machine: Machine) -> None:
    machine.run(f"printf '[Service]\\nNice=1\\n' >{DROP_IN}/nice.conf")
    mend(machine, wrong(machine, "unit", "its unit file is newer", "warn"))
    machine.run(f"rm {DROP_IN}/nice.conf; systemctl daemon-reload")


def test_a_service_that_dies_at_each_start_says_why_and_is_mended_by_its_cause(
    machine: Machine,
) -> None:
    machine.run(f"echo 'threads = 0' >>{CONFIG}; systemctl restart pi-edge || true")
    machine.wait_for(lambda: machine.show("SubState") == "auto-restart")
    assert "threads must be from 1 to 256" in wrong(machine, "unit", "does not stay up")["found"]
    mend(machine, wrong(machine, "settings", "threads must be from 1 to 256"))
    machine.wait_for(lambda: machine.show("ActiveState") == "active")
    assert {row["level"] for row in rows(machine, "unit")} == {"ok"}


def test_a_daemon_without_watchdog_gets_one(machine: Machine) -> None:
    machine.drop_in("watchdog", "WatchdogSec=0")
    machine.run("systemctl restart pi-edge")
    mend(machine, wrong(machine, "watchdog", "the unit has no WatchdogSec", "warn"))
    assert machine.show("WatchdogUSec") == "30s"


def test_a_watchdog_of_the_machine_is_used(machine: Machine) -> None:
    machine.run("touch /dev/watchdog0")
    row = wrong(machine, "watchdog", "a machine that hangs stays so", "warn")
    machine.run(row["command"])
    machine.wait_for(lambda: "15s" in machine.run("systemctl show --property=RuntimeWatchdogUSec"))
    assert {one["level"] for one in rows(machine, "watchdog")} == {"ok"}
    machine.run("rm /dev/watchdog0")


def test_a_service_that_has_the_port_is_switched_off(machine: Machine) -> None:
    machine.run("systemctl stop pi-edge")
    machine.run(
        "systemd-run --unit=other-web --collect /mnt/python/bin/python3 -m http.server 8080"
        " --bind 127.0.0.1 --directory /mnt/pins"
    )
    machine.wait_for(lambda: "is taken" in rows(machine, "port")[0]["found"])
    row = wrong(machine, "port", "of other-web.service")
    mend(machine, row)
    machine.run("systemctl start pi-edge")


def test_another_pi_edge_on_the_port_is_ended_for_the_service(machine: Machine) -> None:
    machine.run("systemctl stop pi-edge")
    machine.run(
        "systemd-run --unit=by-hand --collect --setenv=LD_LIBRARY_PATH=/mnt/python/lib"
        " /opt/pi-edge/.venv/bin/pi-edge serve --led off --state /root/state"
    )
    machine.wait_for(lambda: "not the service" in rows(machine, "port")[0]["found"])
    row = wrong(machine, "port", "a pi-edge that is not the service")
    mend(machine, row)
    assert machine.show("ActiveState") == "active"


def test_a_state_folder_of_somebody_else_is_given_back(machine: Machine) -> None:
    machine.run("chown -R root:root /var/lib/pi-edge")
    mend(machine, wrong(machine, "disk", "is root's and not pi-edge's"))
    assert machine.run("stat -c %U /var/lib/pi-edge/models").strip() == "pi-edge"


def test_a_token_in_an_open_settings_file_is_closed_and_still_read(machine: Machine) -> None:
    machine.run(f"echo 'token = \"secret\"' >>{CONFIG}; chmod 644 {CONFIG}")
    machine.run("systemctl restart pi-edge")
    mend(machine, wrong(machine, "token", "open to other users", "warn"))
    machine.run("systemctl restart pi-edge")
    assert "is the daemon's" in rows(machine, "port")[0]["found"]
    machine.run(f"sed -i /token/d {CONFIG}; systemctl restart pi-edge")


@pytest.mark.parametrize("shut", ["models", "models/mine.tflite"])
def test_root_is_told_what_the_service_may_not_read(machine: Machine, shut: str) -> None:
    machine.run(
        "systemctl stop pi-edge; cd /var/lib/pi-edge;"
        " cp /mnt/tests/data/double.tflite models/mine.tflite;"
        f" chown root:root {shut}; chmod 600 {shut}"
    )
    mend(machine, wrong(machine, "models", "read"))
    machine.run("rm /var/lib/pi-edge/models/mine.tflite; systemctl start pi-edge")
    machine.run("chown -R pi-edge: /var/lib/pi-edge; chmod 2770 /var/lib/pi-edge/models")


def test_who_may_not_look_is_told_to_use_sudo(machine: Machine) -> None:
    machine.run("useradd --create-home stranger")
    row = wrong(machine, "models", "not to be looked into by you", "warn", user="stranger")
    assert row["command"] == "sudo pi-edge doctor"
    machine.run(f"chmod 600 {CONFIG}")
    told = rows(machine, user="stranger")
    machine.run(f"chmod 644 {CONFIG}")
    assert "cannot be looked at" not in json.dumps(told)
    assert {row["level"] for row in told if row["check"] == "settings"} == {"warn"}


def test_a_pin_that_something_else_has_is_another_one(machine: Machine) -> None:
    machine.run("touch /var/lib/pi-edge/pins/GPIO17.busy; systemctl restart pi-edge")
    machine.wait_for(lambda: bool(machine.status()["led"]["out"]))
    row = wrong(machine, "gpio", "GPIO17 is taken by something else")
    mend(machine, row)
    machine.wait_for(lambda: machine.status()["led"]["lit"])
    assert machine.status()["led"]["pin"] == 27


def test_a_service_that_is_gone_is_no_fault_of_a_laptop(machine: Machine) -> None:
    machine.run("/opt/pi-edge/scripts/install-service --uninstall")
    machine.run("rm -f /usr/lib/systemd/system/pi-edge.service; systemctl daemon-reload")
    (row,) = rows(machine, "unit")
    assert (row["level"], row["found"]) == (
        "ok",
        "not installed as a service: the daemon is started by hand",
    )


@pytest.fixture(scope="module")
def by_hand(machine: Machine) -> Machine:
    """The same machine without the service, with something in the place of a GPIO chip and sudo for
    everybody. It is uninstalled by then."""
    machine.run(
        "printf '#!/bin/sh\nexec \"$@\"\n' >/usr/bin/sudo; chmod +x /usr/bin/sudo;"
        " touch /dev/gpiochip0; useradd --create-home watcher; getent group gpio"
    )
    return machine


def chip(machine: Machine) -> Row:
    """The line about the chip, as somebody sees it who has just logged in."""
    return rows(machine, "gpio", user="watcher")[0]


def test_a_chip_that_is_roots_alone_is_given_to_the_group(by_hand: Machine) -> None:
    by_hand.run("chown root:root /dev/gpiochip0; chmod 600 /dev/gpiochip0")
    row = chip(by_hand)
    assert "only root may open it" in row["found"]
    # No udev runs in a container: the rule is written, and nobody obeys it.
    by_hand.run(row["command"].partition(" && sudo udevadm")[0])
    rule = by_hand.run("cat /etc/udev/rules.d/60-pi-edge-gpio.rules")
    assert rule == 'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"\n'


def test_who_is_not_in_the_group_of_the_chip_joins_it(by_hand: Machine) -> None:
    by_hand.run("chown root:gpio /dev/gpiochip0; chmod 660 /dev/gpiochip0")
    row = chip(by_hand)
    assert row["found"] == "watcher is not in the group gpio, whose gpiochip0 is"
    assert row["command"] == "sudo usermod --append --groups gpio watcher"
    by_hand.run(row["command"])
    assert chip(by_hand)["level"] == "ok"


def test_a_new_member_of_the_group_is_told_to_log_in_again(by_hand: Machine) -> None:
    by_hand.run(
        "chown root:gpio /dev/gpiochip0; chmod 660 /dev/gpiochip0; gpasswd -d watcher gpio || true"
    )
    session = (
        f"until getent group gpio | grep -q watcher; do sleep 0.1; done; {COMMAND} gpio || true"
    )
    said = by_hand.run(
        f"setpriv --reuid=watcher --regid=watcher --init-groups sh -c '{session}' &"
        " sleep 0.5; usermod --append --groups gpio watcher; wait"
    )
    row = json.loads(said)["checks"][0]
    assert (row["level"], row["advice"]) == ("warn", "log out and in again")


@pytest.mark.parametrize(
    ("shut", "check", "found"),
    [
        ("state/models", "models", "the models folder /home/watcher/state/models cannot be read"),
        ("state/models/mine.tflite", "models", "mine.tflite may not be read"),
        ("state/token", "token", "/home/watcher/state/token may not be read by watcher"),
        ("state", "disk", "/home/watcher/state may not be written by watcher"),
    ],
)
def test_what_its_owner_shut_is_opened_again(
    by_hand: Machine, shut: str, check: str, found: str
) -> None:
    home = "/home/watcher"
    by_hand.run(
        f"mkdir -p {home}/state/models; cp /mnt/tests/data/double.tflite"
        f" {home}/state/models/mine.tflite; echo secret >{home}/state/token;"
        f" chown -R watcher: {home}/state; chmod 600 {home}/state/token; chmod 0 {home}/{shut}"
    )

    def looked() -> list[Row]:
        return rows(by_hand, check, f"--state {home}/state", user="watcher")

    row = next(row for row in looked() if row["level"] == "fail")
    assert found in row["found"]
    assert not row["command"].startswith("sudo")
    by_hand.run(f"su watcher -s /bin/sh -c '{row['command']}'")
    assert {one["level"] for one in looked()} == {"ok"}
