"""The status light of a deployed pi-edge, timed from outside on the emulated pin.

An emulator on a busy machine is late now and then: medians decide, and within what still tells the
patterns apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from board_host import Host
from light import Light, Rhythm

STATE = "/var/lib/pi-edge"
INFER = f"""
import json, pathlib, time, urllib.request
body = json.dumps({{"x": [1.0, 2.0]}}).encode()
request = urllib.request.Request("http://127.0.0.1:8080/tasks/regression", body)
request.add_header("Content-Type", "application/json")
token = pathlib.Path("{STATE}/token")
if token.exists():
    request.add_header("Authorization", "Bearer " + token.read_text().strip())
for _ in range(4):
    urllib.request.urlopen(request, timeout=300).read()
    time.sleep(1)
"""
HIGH = """
import lgpio
chip = lgpio.gpiochip_open(0)
lgpio.gpio_claim_output(chip, 27, 1)
print("high", flush=True)
input()
lgpio.gpio_write(chip, 27, 0)
print("low", flush=True)
input()
"""


def even(rhythm: Rhythm, period: float) -> bool:
    return rhythm.period == pytest.approx(period, rel=0.3) and 0.5 < rhythm.lit / rhythm.dark < 2.0


def what_darkened(board: Host) -> str:
    """What systemd tells of the command that ran after the daemon's end."""
    return board.run("systemctl", "show", "-P", "ExecStopPost", "pi-edge")


def restart(board: Host) -> None:
    board.run("sudo", "systemctl", "restart", "--no-block", "pi-edge")


@pytest.fixture
def light(deployed: Host) -> Iterator[Light]:
    """The light of a daemon that is ready, before and after."""
    deployed.run("sudo", "systemctl", "start", "pi-edge")
    with Light(deployed.bits) as light:
        light.wait_steady(True)
        yield light
        deployed.run("sudo", "systemctl", "start", "pi-edge")
        light.wait_steady(True)


def test_a_pin_that_lgpio_drives_is_seen_from_outside(deployed: Host) -> None:
    from pi_edge.deploy import ssh

    with ssh.connect(deployed.name) as host, Light(deployed.bits, pin=27) as pin:
        assert not pin.lit
        process = host.start(
            *("env", "LG_WD=/tmp", "/opt/pi-edge/current/.venv/bin/python", "-c", HIGH),
            stdin=-1, stdout=-1,
        )  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"high\n"
        pin.wait(lambda: pin.lit)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"low\n"
        pin.wait(lambda: not pin.lit)
        process.communicate(b"\n")


def test_starting_blinks_evenly_twice_a_second(deployed: Host, light: Light) -> None:
    restart(deployed)
    light.wait(lambda: not light.lit)
    began = light.now()
    light.wait(lambda: light.lit)  # the new daemon has its pin
    light.wait_steady(True)
    steady = light.changes()[-1].at
    rhythm = light.rhythm(began, steady)
    print(f"{deployed.name}, starting: {rhythm}")
    assert even(rhythm, 0.5)


def test_ready_is_steady_and_winks_for_each_inference(deployed: Host, light: Light) -> None:
    began = light.now()
    deployed.run("sudo", "python3", "-c", INFER)
    light.wait_steady(True)
    darks = light.darks(began)
    print(f"{deployed.name}, winks: {[round(1000 * dark) for dark in darks]} ms")
    assert 1 <= len(darks) <= 4
    assert 0.015 < sorted(darks)[len(darks) // 2] < 0.09


def test_degraded_is_on_nine_times_as_long_as_off(deployed: Host, light: Light) -> None:
    broken = f"{STATE}/models/broken.tflite"
    began = light.now()
    deployed.run("sudo", "sh", "-c", f"head -c 2000 /dev/zero >{broken}")
    try:
        light.wait_changes(12, began)
        rhythm = light.rhythm(began)
    finally:
        deployed.run("sudo", "rm", broken)
    print(f"{deployed.name}, degraded: {rhythm}")
    assert rhythm.period == pytest.approx(1.0, rel=0.3)
    assert 4 < rhythm.lit / rhythm.dark < 16


def test_failed_blinks_evenly_eight_times_a_second(deployed: Host, light: Light) -> None:
    folder = "/run/systemd/system/pi-edge.service.d"
    empty = f"{STATE}/nothing"
    deployed.run("sudo", "mkdir", "-p", folder, empty)
    deployed.run(
        *("sudo", "sh", "-c"),
        f"printf '[Service]\\nEnvironment=PI_EDGE_MODELS={empty}\\n' >{folder}/nothing.conf",
    )
    try:
        deployed.run("sudo", "systemctl", "daemon-reload")
        restart(deployed)
        light.wait(lambda: not light.lit)
        light.wait(
            lambda: (
                len(light.changes(light.now() - 5)) > 24
                and even(light.rhythm(light.now() - 5), 0.125)
            )
        )
        print(f"{deployed.name}, failed: {light.rhythm(light.now() - 5)}")
    finally:
        deployed.run("sudo", "rm", "-r", folder, empty)
        deployed.run("sudo", "systemctl", "daemon-reload")
        restart(deployed)


def test_stopped_is_off(deployed: Host, light: Light) -> None:
    deployed.run("sudo", "systemctl", "stop", "pi-edge")
    light.wait_steady(False)


def test_after_kill_9_a_fresh_process_drives_the_pin_low(deployed: Host, light: Light) -> None:
    """Debian's kernel lowers a released line by itself, a Raspberry Pi's does not: so the kernel's
    own record of who set which line is asked, not the pin alone."""
    tracing, folder = "/sys/kernel/tracing", "/run/systemd/system/pi-edge.service.d"
    # Until it starts the service again systemd tells what became of its commands.
    deployed.run("sudo", "mkdir", "-p", folder)
    late = f"printf '[Service]\\nRestartSec=60\\n' >{folder}/late.conf; systemctl daemon-reload"
    deployed.run("sudo", "sh", "-c", late)
    daemon = deployed.run("systemctl", "show", "-P", "MainPID", "pi-edge").strip()
    began = light.now()
    deployed.run("sudo", "sh", "-c", f": >{tracing}/trace; echo 1 >{tracing}/events/gpio/enable")
    try:
        deployed.run("sudo", "systemctl", "kill", "--signal=KILL", "pi-edge")
        light.wait(lambda: any(not change.lit for change in light.changes(began)))
        light.wait(lambda: "code=(null)" not in what_darkened(deployed))
        told = what_darkened(deployed)
        trace = deployed.run("sudo", "cat", f"{tracing}/trace")
        light.wait(lambda: light.lit)  # it comes back by itself
    finally:
        deployed.run("sudo", "sh", "-c", f"echo 0 >{tracing}/events/gpio/enable")
        deployed.run("sudo", "sh", "-c", f"rm -r {folder}; systemctl daemon-reload")
    command = re.search(r"pi_edge\.led off .*pid=(\d+) ; code=exited ; status=0", told)
    assert command, told
    assert command[1] != daemon
    low = rf"-{command[1]} .*gpio_direction: +\d+ +out \(0\)"
    assert re.search(low, trace), trace
