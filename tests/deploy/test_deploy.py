"""scripts/deploy over a real ssh to a host with a real systemd, one test after the other."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from container import wait_for
from standin import Laptop, Standin
from support import ROOT

# Asks the daemon 20 times a second; a line each: release, whether a switch is under way, answer.
WATCH = r"""
import json, os, time, urllib.request
def switching():
    return os.path.exists("/opt/pi-edge/pending.json")
while True:
    before, release = switching(), os.path.basename(os.path.realpath("/opt/pi-edge/current"))
    try:
        ready = urllib.request.urlopen("http://127.0.0.1:8080/v2/health/ready", timeout=5).status
    except OSError as error:
        ready = str(error)
    print(json.dumps([release, before or switching(), ready]), flush=True)
    time.sleep(0.05)
"""


def ask(host: Standin, path: str, *headers: str) -> str:
    """Status code of the daemon's answer."""
    code = (
        "import sys, urllib.request as r, urllib.error\n"
        "request = r.Request('http://127.0.0.1:8080' + sys.argv[1])\n"
        "[request.add_header(*h.split(': ')) for h in sys.argv[2:]]\n"
        "try: print(r.urlopen(request).status)\n"
        "except urllib.error.HTTPError as error: print(error.code)\n"
    )
    arguments = " ".join(f"'{one}'" for one in (path, *headers))
    return host.run(f'/usr/bin/python3 -c "{code}" {arguments}').strip()


def upgrade(laptop: Laptop) -> None:
    """Change one file of the checkout."""
    laptop.change("pi_edge/lamp.py", lambda text: text + f"# {random.random()}\n")


@pytest.fixture(scope="module")
def deployed(standin: Standin, laptop: Laptop) -> Standin:
    """The stand-in, which has no internet, with pi-edge on it."""
    laptop.deploy(standin.name, "--offline")
    return standin


def test_a_fresh_host_serves_after_one_command(deployed: Standin) -> None:
    assert ask(deployed, "/v2/health/ready") == "200"
    assert deployed.serving() == deployed.current() != ""
    assert deployed.run("systemctl is-enabled pi-edge").strip() == "enabled"
    assert "ready" in deployed.run("su pi -c '/usr/local/bin/pi-edge status'")


def test_a_second_time_there_is_nothing_to_do(deployed: Standin, laptop: Laptop) -> None:
    before = deployed.run("systemctl show --value -p MainPID pi-edge")
    assert re.search(r"ok .* 0\.0 MB  up to date", laptop.deploy(deployed.name))
    assert deployed.run("systemctl show --value -p MainPID pi-edge") == before


def test_the_outcome_is_told_as_json_where_a_program_asks(
    deployed: Standin, laptop: Laptop
) -> None:
    (told,) = json.loads(laptop.deploy(deployed.name, "--json"))
    assert (told["host"], told["changed"], told["done"]) == (deployed.name, False, "up to date")
    assert told["release"] == told["former"] == deployed.current()
    (told,) = json.loads(laptop.deploy("emulated-pi-nowhere", "--json", code=1))
    assert "emulated-pi-nowhere" in told["error"]


def test_ssh_is_told_what_else_it_is_to_be_told(deployed: Standin, laptop: Laptop) -> None:
    (told,) = json.loads(laptop.deploy(deployed.name, "--json", "--ssh-args=-l plain", code=1))
    assert "sudo asks for a password there" in told["error"]


def test_the_laptop_is_compared_with_it(deployed: Standin) -> None:
    done = subprocess.run(
        [ROOT / "scripts/bench-over-ssh", deployed.name, "--models=fire-theft", "--rounds=1"],
        env={**os.environ, "PI_EDGE_BOARDS": str(deployed.folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["fire-theft", "float32", "here"] in [line[:3] for line in lines]
    assert "0" in next(line for line in lines if line[:2] == ["there", "-"])  # apart


def test_an_upgrade_sends_what_changed_and_keeps_the_environment(
    deployed: Standin, laptop: Laptop
) -> None:
    environments = deployed.run("ls -di /opt/pi-edge/environments/*")
    before = deployed.current()
    upgrade(laptop)
    process = laptop.start(deployed.name)
    _, said = process.communicate()
    assert process.returncode == 0
    assert "sending 1 file" in said
    assert deployed.serving() == deployed.current() != before
    assert deployed.run("ls -di /opt/pi-edge/environments/*") == environments


def test_a_release_that_does_not_start_is_taken_back(deployed: Standin, laptop: Laptop) -> None:
    before = deployed.current()
    healthy = (laptop.checkout / "pi_edge/daemon.py").read_text()
    laptop.change("pi_edge/daemon.py", lambda text: text + "\nraise ValueError('broken')\n")
    out = laptop.deploy(deployed.name, code=1)
    assert f"was taken back, {before} serves: it ended 3 times: ValueError: broken" in out
    assert deployed.serving() == deployed.current() == before
    assert ask(deployed, "/v2/health/ready") == "200"
    laptop.change("pi_edge/daemon.py", lambda _: healthy)
    assert "up to date" in laptop.deploy(deployed.name)


def test_rollback_goes_back_and_forth(deployed: Standin, laptop: Laptop) -> None:
    before = deployed.current()
    upgrade(laptop)
    laptop.deploy(deployed.name)
    after = deployed.current()
    laptop.deploy(deployed.name, "--rollback")
    assert deployed.serving() == before
    laptop.deploy(deployed.name, "--rollback")
    assert deployed.serving() == after


def test_a_model_of_the_owners_is_served(deployed: Standin, laptop: Laptop) -> None:
    folder = laptop.state / "models/mine"
    shutil.copytree(ROOT / "models/mnist-mlp", folder)
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "name": "mine"}))
    assert "with mine" in laptop.deploy(deployed.name, "--models", "mine")
    assert ask(deployed, "/v2/models/mine/ready") == "200"
    assert re.search(r" 0\.0 MB  up to date", laptop.deploy(deployed.name, "--models", "mine"))


def test_a_model_that_cannot_be_served_is_told(deployed: Standin, laptop: Laptop) -> None:
    folder = laptop.state / "models/bad"
    shutil.copytree(laptop.state / "models/mine", folder)
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "name": "bad"}))
    for file in folder.glob("*.tflite"):
        file.write_bytes(b"nothing of the kind")
    out = laptop.deploy(deployed.name, "--models", "bad", code=1)
    assert "the model bad is not served: " in out
    assert ask(deployed, "/v2/health/ready") == "200"
    deployed.run("rm -r /var/lib/pi-edge/models/bad")


def test_one_host_that_fails_does_not_stop_another(deployed: Standin, laptop: Laptop) -> None:
    upgrade(laptop)
    out = laptop.deploy(deployed.name, "no-such-host.invalid", f"plain@{deployed.name}", code=1)
    lines = out.splitlines()
    assert re.match(rf"{deployed.name} +ok .* ready after", lines[1])
    assert re.match(r"no-such-host\.invalid +FAILED .*Could not resolve hostname", lines[2])
    assert re.match(rf"plain@{deployed.name} +FAILED ", lines[3])


def test_lan_opens_the_daemon_to_whoever_has_the_token(deployed: Standin, laptop: Laptop) -> None:
    out = laptop.deploy(deployed.name, "--lan")
    token = re.search(r"open on a phone: http://\S+:8080/#token=(\S+)", out)
    assert token
    assert ask(deployed, "/status") == "401"
    assert ask(deployed, "/status", f"Authorization: Bearer {token[1]}") == "200"
    assert "up to date" in laptop.deploy(deployed.name, "--lan")


def test_a_checkout_is_not_installed_over_releases(deployed: Standin) -> None:
    command = "sh /opt/pi-edge/current/scripts/install-service 2>&1 && exit 1 || true"
    assert "releases from scripts/deploy serve here" in deployed.run(command)
    assert ask(deployed, "/v2/health/ready") == "200"


@pytest.fixture
def watched(deployed: Standin, tmp_path: Path) -> Iterator[Path]:
    """What the daemon answers all the while; at the end it must have answered always, but for
    the moments of a switch."""
    (deployed.root() / "tmp/watch.py").write_text(WATCH)
    answers = tmp_path / "answers"
    with answers.open("w") as sink:
        watcher = subprocess.Popen(deployed.inside("exec python3 /tmp/watch.py"), stdout=sink)
    yield answers
    watcher.kill()
    watcher.wait()
    told = [json.loads(line) for line in answers.read_text().splitlines(keepends=True)[:-1]]
    assert len(told) > 20
    assert [one for one in told if not one[1] and one[2] != 200] == []


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.parametrize("cut", ["laptop", "connection"])
def test_an_upgrade_that_is_cut_off_anywhere_is_finished_by_the_same_command(
    cut: str, time: int, deployed: Standin, laptop: Laptop, watched: Path
) -> None:
    before = deployed.current()
    upgrade(laptop)
    (laptop.checkout / "models/mnist-mlp/more.bin").write_bytes(random.randbytes(10_000_000))
    process = laptop.start(deployed.name)
    moment = random.uniform(0, 4)
    print(f"cut off after {moment:.2f} s")  # pytest shows it where the test fails
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        if cut == "laptop":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            for relay in deployed.relays():
                os.kill(relay, signal.SIGKILL)
    process.communicate()
    laptop.deploy(deployed.name)
    assert deployed.serving() == deployed.current() != before


def switched(host: Standin, before: str) -> bool:
    return host.current() not in ("", before)


def test_a_power_cut_in_the_middle_of_a_switch_leaves_the_new_release(
    deployed: Standin, laptop: Laptop
) -> None:
    before = deployed.current()
    upgrade(laptop)
    process = laptop.start(deployed.name)
    wait_for(lambda: switched(deployed, before))
    deployed.cut_power()
    process.communicate()
    deployed.boot()
    wait_for(lambda: not (deployed.root() / "opt/pi-edge/pending.json").exists(), deployed.told)
    assert switched(deployed, before)
    assert deployed.serving() == deployed.current()
    assert "up to date" in laptop.deploy(deployed.name)


def test_a_power_cut_does_not_keep_a_broken_release(deployed: Standin, laptop: Laptop) -> None:
    before = deployed.current()
    healthy = (laptop.checkout / "pi_edge/daemon.py").read_text()
    laptop.change("pi_edge/daemon.py", lambda text: text + "\nraise ValueError('broken')\n")
    process = laptop.start(deployed.name)
    wait_for(lambda: switched(deployed, before))
    deployed.cut_power()
    process.communicate()
    deployed.boot()
    wait_for(lambda: not (deployed.root() / "opt/pi-edge/pending.json").exists(), deployed.told)
    assert deployed.serving() == deployed.current() == before
    laptop.change("pi_edge/daemon.py", lambda _: healthy)
