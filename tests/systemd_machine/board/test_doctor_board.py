"""pi-edge doctor on a Raspberry Pi: its pins, its power, its watchdog."""

from __future__ import annotations

import json

from light import Light
from machine import Machine

PYTHON = "/opt/pi-edge/current/.venv/bin/python"
HOLD = (
    "import lgpio, signal; lgpio.gpio_claim_output(lgpio.gpiochip_open(0), 17);"
    " print(1, flush=True); signal.pause()"
)
Row = dict[str, str]


def rows(machine: Machine, *checks: str) -> list[Row]:
    said = machine.root(f"pi-edge doctor --json {' '.join(checks)} || true")
    found: list[Row] = json.loads(said)["checks"]
    return found


def test_nothing_fails(deployed: Machine, light: Light) -> None:
    deployed.wait_ready()
    told = rows(deployed)
    print("\n".join(f"{row['level']} {row['check']} {row['found']}" for row in told))
    assert "fail" not in {row["level"] for row in told}
    assert any(row["found"] == "the light is on GPIO17, through LGPIOFactory" for row in told)


def test_who_has_the_pin_is_seen_in_the_kernel_and_another_one_is_taken(
    deployed: Machine, light: Light
) -> None:
    deployed.root("systemctl stop pi-edge")
    (row,) = (row for row in rows(deployed, "gpio") if "GPIO17" in row["found"])
    assert (row["level"], row["found"]) == ("ok", "GPIO17 is free")
    deployed.root(f"systemd-run --unit=other-light --collect {PYTHON} -c '{HOLD}'")
    try:
        deployed.wait(lambda: "taken" in rows(deployed, "gpio")[-1]["found"])
        (row,) = (row for row in rows(deployed, "gpio") if row["level"] == "fail")
        assert row["found"] == "GPIO17 is taken by lg: the light would be out"
        deployed.root(row["command"])
        deployed.wait_ready()
        assert {one["level"] for one in rows(deployed, "gpio")} == {"ok"}
        assert deployed.ask("/status").json()["led"]["pin"] == 27
    finally:
        deployed.root(
            "systemctl stop other-light; sed -i /led_pin/d /etc/pi-edge/config.toml;"
            " systemctl restart pi-edge"
        )


def test_the_board_has_a_watchdog_that_is_not_used(deployed: Machine, light: Light) -> None:
    # The command is not run here: QEMU's BCM2835 resets the board when its watchdog is set, not
    # when it runs out. tests/end_to_end runs it.
    (row,) = (row for row in rows(deployed, "watchdog") if row["level"] == "warn")
    assert row["found"].startswith("a machine that hangs stays so")
    assert "RuntimeWatchdogSec=15" in row["command"]
