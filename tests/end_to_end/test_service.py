"""The service under a real systemd."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from booted import DROP_IN, PYTHON, Machine, installed


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine on which the service was installed as its owner does, with a light."""
    with installed(tmp_path_factory.mktemp("machine")) as machine:
        yield machine


def test_the_service_is_ready_and_lit_once_installed(machine: Machine) -> None:
    assert machine.show("ActiveState") == "active"
    assert machine.show("StatusText") == "ready"
    assert machine.run("systemctl is-enabled pi-edge").strip() == "enabled"
    machine.wait_for(lambda: machine.status()["led"]["lit"])
    assert machine.pin() == "1"


def test_the_daemon_runs_as_its_own_user_without_privileges(machine: Machine) -> None:
    lines = machine.run(f"cat /proc/{machine.show('MainPID')}/status").splitlines()
    process = dict(line.split(":\t", 1) for line in lines)
    user = machine.run("id -u pi-edge").strip()
    groups = machine.run("getent group gpio pi-edge").split()
    assert process["Uid"].split() == [user] * 4
    assert set(process["Groups"].split()) == {group.split(":")[2] for group in groups}
    assert int(process["CapEff"], 16) == int(process["CapBnd"], 16) == 0
    assert process["NoNewPrivs"] == "1"
    assert process["Seccomp"] == "2"


def test_a_model_infers_within_the_sandbox(machine: Machine) -> None:
    code = (
        "import json, urllib.request as r;"
        "image = dict(name='image', shape=[1, 28, 28], datatype='FP32', data=[0.0] * 784);"
        "body = json.dumps(dict(inputs=[image])).encode();"
        "url = 'http://127.0.0.1:8080/v2/models/mnist-mlp/infer';"
        "print(json.load(r.urlopen(url, body))['outputs'][0]['shape'])"
    )
    assert machine.run(f'{PYTHON} -c "{code}"').strip() == "[1, 10]"


def test_memory_is_told_within_the_sandbox(machine: Machine) -> None:
    code = (
        "import urllib.request as r;"
        "print(r.urlopen('http://127.0.0.1:8080/metrics').read().decode())"
    )
    metrics = dict(
        line.rsplit(" ", 1) for line in machine.run(f'{PYTHON} -c "{code}"').splitlines() if line
    )
    for kind in ("resident", "proportional"):
        assert float(metrics[f'pi_edge_memory_{kind}_bytes{{process="daemon"}}']) > 10e6


def test_who_installed_the_service_may_add_a_model(machine: Machine) -> None:
    model = "/opt/pi-edge/models/mnist-mlp/float32.tflite"
    machine.run(f"su maker -c 'cp {model} /var/lib/pi-edge/models/mine.tflite'")
    machine.wait_for(lambda: machine.status()["models"].get("mine", {}).get("state") == "ready")


def test_a_photo_is_styled_within_the_sandbox(machine: Machine) -> None:
    models = "/var/lib/pi-edge/models"
    machine.run(f"cp -r /mnt/tests/data/style {models}/.style && mv {models}/.style {models}/style")
    machine.wait_for(lambda: machine.status()["models"].get("style", {}).get("state") == "ready")
    # Turned by its EXIF and too large to be turned in memory: libvips must work here.
    code = (
        "import io, urllib.request as r; from PIL import Image; exif = Image.Exif();"
        "exif[274] = 6; file = io.BytesIO();"
        "Image.new('RGB', (6000, 4000), 'teal').save(file, 'JPEG', exif=exif);"
        "url = 'http://127.0.0.1:8080/tasks/style?style=scream';"
        "answer = r.urlopen(url, file.getvalue()).read();"
        "print(Image.open(io.BytesIO(answer)).size)"
    )
    assert machine.run(f'{PYTHON} -c "{code}"').strip() == "(4000, 6000)"
    machine.run(f"rm -r {models}/style")


@pytest.fixture
def learner(machine: Machine) -> Iterator[str]:
    """A unit that learns the model mine, with something in the place of pi-edge learn."""
    unit = "pi-edge-learn@mine"
    folder = f"/etc/systemd/system/{unit}.service.d"
    text = (
        f"[Service]\\nExecStart=\\nExecStart={PYTHON} /mnt/tests/end_to_end/standin_learner.py"
        " %i $OPTIONS\\nEnvironment=LD_LIBRARY_PATH=/mnt/python/lib\\n"
    )
    machine.run(f"mkdir -p {folder}; printf '{text.replace('%', '%%')}' >{folder}/standin.conf")
    machine.run("echo 'OPTIONS=--epochs 3' >/etc/pi-edge/learn-mine.env; systemctl daemon-reload")
    machine.run(f"systemctl start {unit}")
    machine.wait_for(lambda: machine.status()["learning"] is not None)
    yield unit
    machine.run(f"systemctl stop {unit}; rm -r {folder} /etc/pi-edge/learn-mine.env")
    machine.run("systemctl daemon-reload")


def test_a_learner_is_seen_and_ends_at_once_when_told_to(machine: Machine, learner: str) -> None:
    assert machine.status()["learning"]["name"] == "mine"
    machine.wait_for(lambda: machine.status()["led"]["shows"] == "learning")
    machine.run(f"systemctl stop {learner}")
    assert machine.status()["learning"] is None
    assert "Deactivated successfully" in machine.run(f"journalctl --unit={learner}")
    assert "Failed" not in machine.run(f"journalctl --unit={learner}")
    machine.wait_for(lambda: machine.status()["led"]["shows"] == "ready")


def test_a_learner_comes_last_and_reaches_nothing(machine: Machine, learner: str) -> None:
    machine.wait_for(lambda: bool(machine.run("ls /var/lib/pi-edge/learning/found.json || true")))
    found = json.loads(machine.run("cat /var/lib/pi-edge/learning/found.json"))
    assert found == {
        "arguments": ["mine", "--epochs", "3"],
        "interfaces": ["lo"],
        "devices": [],
        "policy": os.SCHED_IDLE,
        "nice": 19,
        "out_of_memory": 800,
        "writable": [],
    }
    process = machine.run(f"systemctl show --value -p MainPID {learner}").strip()
    lines = machine.run(f"cat /proc/{process}/status").splitlines()
    told = dict(line.split(":\t", 1) for line in lines)
    assert told["Uid"].split() == [machine.run("id -u pi-edge").strip()] * 4
    assert told["Groups"].split() == [machine.run("id -g pi-edge").strip()]
    assert int(told["CapEff"], 16) == int(told["CapBnd"], 16) == 0
    assert (told["NoNewPrivs"], told["Seccomp"]) == ("1", "2")


def test_what_the_unit_learned_is_served(machine: Machine) -> None:
    heading = "fires_per_1000_housing_units,thefts_per_1000_population"
    rows = "\\n".join([heading, "6.2,25.1", "9.5,29.6", "12.2,33.1", "21.8,45.6"])
    machine.run(f"printf '{rows}\\n' >/var/lib/pi-edge/rows.csv")
    options = "OPTIONS=--data /var/lib/pi-edge/rows.csv --name learned"
    machine.run(f"echo '{options}' >/etc/pi-edge/learn-fire-theft.env")
    folder = "/etc/systemd/system/pi-edge-learn@fire-theft.service.d"
    library = "[Service]\\nEnvironment=LD_LIBRARY_PATH=/mnt/python/lib\\n"
    machine.run(f"mkdir {folder}; printf '{library}' >{folder}/test.conf; systemctl daemon-reload")
    try:
        machine.run("systemctl start --wait pi-edge-learn@fire-theft")
        machine.wait_for(
            lambda: machine.status()["models"].get("learned", {}).get("state") == "ready"
        )
        assert machine.run("stat -c '%U %G %a' /var/lib/pi-edge/models/learned").split() == [
            *("pi-edge", "pi-edge", "2770")
        ]
    finally:
        print(machine.run("journalctl --unit=pi-edge-learn@fire-theft"))
        machine.run(f"rm -r {folder} /etc/pi-edge/learn-fire-theft.env; systemctl daemon-reload")


def test_the_timer_is_off_until_somebody_wants_it(machine: Machine) -> None:
    assert "pi-edge-learn" not in machine.run("systemctl list-timers --all")
    machine.run("systemctl enable --now pi-edge-learn@stocks.timer")
    assert "pi-edge-learn@stocks.service" in machine.run("systemctl list-timers")
    # test_uninstalling... sees to it that nothing of it is left.


def test_after_kill_9_the_light_is_dark(machine: Machine) -> None:
    machine.wait_for(lambda: machine.status()["led"]["lit"])
    machine.drop_in("once", "Restart=no")
    machine.run("systemctl kill --signal=KILL pi-edge")
    machine.wait_for(lambda: machine.show("ActiveState") == "failed")
    assert machine.pin() == "0"
    machine.run(f"rm {DROP_IN}/once.conf; systemctl daemon-reload; systemctl start pi-edge")
    assert machine.show("ActiveState") == "active"


def test_a_daemon_that_died_is_started_again(machine: Machine) -> None:
    before = machine.show("MainPID")
    machine.run("systemctl kill --signal=SEGV pi-edge")
    machine.wait_for(lambda: machine.show("NRestarts") != "0")
    machine.wait_for(lambda: machine.show("ActiveState") == "active")
    assert machine.show("MainPID") != before


def test_a_daemon_that_hangs_is_ended_by_the_watchdog_and_started_again(machine: Machine) -> None:
    machine.drop_in("watchdog", "WatchdogSec=5")
    machine.run("systemctl restart pi-edge")
    machine.run("kill -STOP " + machine.show("MainPID"))
    machine.wait_for(lambda: machine.show("NRestarts") != "0")
    machine.wait_for(lambda: machine.show("ActiveState") == "active")
    assert "Failed with result 'watchdog'" in machine.run("journalctl --unit=pi-edge")
    machine.run(f"rm {DROP_IN}/watchdog.conf; systemctl daemon-reload")


def test_uninstalling_stops_the_daemon_and_keeps_what_is_the_owners(machine: Machine) -> None:
    machine.run("/opt/pi-edge/scripts/install-service --uninstall")
    assert machine.show("LoadState") == "not-found"
    assert machine.show("ActiveState") == "inactive"
    assert machine.pin() == "0"
    machine.run("ls /var/lib/pi-edge/models")
    # What its owner changed in units stays, and is a folder.
    left = machine.run("find /etc/systemd/system -name 'pi-edge*' -not -name '*.d'")
    assert left == ""
    assert "pi-edge-learn" not in machine.run("systemctl list-timers --all")
