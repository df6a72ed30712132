"""scripts/deploy to whole emulated boards, one test after the other."""

from __future__ import annotations

import random
import re
import time
import urllib.error
import urllib.request

import pytest
from board_host import Host
from standin import Laptop

from pi_edge.deploy import ssh


def upgrade(laptop: Laptop) -> None:
    """Change one file of the checkout."""
    laptop.change("pi_edge/lamp.py", lambda text: text + f"# {random.random()}\n")


def test_a_board_serves_after_one_command(deployed: Host) -> None:
    assert deployed.serves() == "200"
    assert deployed.run("systemctl", "is-active", "pi-edge").strip() == "active"
    status = deployed.run("/usr/local/bin/pi-edge", "status")
    assert ("tflite-runtime" if deployed.bits == 32 else "ai-edge-litert") in status


def test_an_upgrade_sends_what_changed(deployed: Host, laptop: Laptop) -> None:
    before = deployed.current()
    environments = deployed.run("ls", "-di", "/opt/pi-edge/environments")
    upgrade(laptop)
    process = laptop.start(deployed.name)
    out, said = process.communicate()
    assert process.returncode == 0, out + said
    assert "sending 1 file" in said
    assert deployed.current() != before
    assert deployed.serves() == "200"
    assert deployed.run("ls", "-di", "/opt/pi-edge/environments") == environments


def test_a_release_that_does_not_start_is_taken_back(deployed: Host, laptop: Laptop) -> None:
    before = deployed.current()
    healthy = (laptop.checkout / "pi_edge/daemon.py").read_text()
    laptop.change("pi_edge/daemon.py", lambda text: text + "\nraise ValueError('broken')\n")
    out = laptop.deploy(deployed.name, code=1)
    laptop.change("pi_edge/daemon.py", lambda _: healthy)
    assert re.search(rf"was taken back, {before} serves: .*ValueError: broken", out)
    assert deployed.current() == before
    assert deployed.serves() == "200"


def test_an_upgrade_whose_network_is_cut_is_finished_later(deployed: Host, laptop: Laptop) -> None:
    before = deployed.current()
    upgrade(laptop)
    (laptop.checkout / "models/mnist-mlp/more.bin").write_bytes(random.randbytes(3_000_000))
    process = laptop.start(deployed.name)
    moment = random.uniform(2, 30)
    print(f"cut off after {moment:.1f} s")
    time.sleep(moment)
    deployed.monitor("set_link n0 off")
    process.kill()
    process.communicate()
    deployed.monitor("set_link n0 on")
    laptop.deploy(deployed.name)
    assert deployed.current() != before
    assert deployed.serves() == "200"


def test_lan_opens_the_daemon_to_whoever_has_the_token(deployed: Host, laptop: Laptop) -> None:
    out = laptop.deploy(deployed.name, "--lan")
    told = re.search(r"open on a phone: (http://127\.0\.0\.1:\d+/)#token=(\S+)", out)
    assert told
    assert ssh.forwarded(deployed.name) is not None
    request = urllib.request.Request(f"{told[1]}status")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(request, timeout=60)
    request.add_header("Authorization", f"Bearer {told[2]}")
    assert urllib.request.urlopen(request, timeout=60).status == 200
