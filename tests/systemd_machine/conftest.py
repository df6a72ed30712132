"""Whole machines with a real systemd. scripts/test-systemd runs this; scripts/test does not, for it
takes long."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, missing

sys.path.append(str(ROOT / "scripts"))

import pc_image
from machine import MODELS
from pc import Installed, Pc


@pytest.fixture(scope="session")
def pc() -> Iterator[Pc]:
    """A PC with Debian and, in /opt/pi-edge/.venv, the packages that pi-edge needs."""
    if reason := pc_image.obstacle():
        missing(reason)
    image = pc_image.ensure()
    # Not pytest's own: what other runs may clear away, and memory on many machines.
    with tempfile.TemporaryDirectory(prefix="pi-edge-pc-", dir="/var/tmp") as folder:
        pc = Pc(image, Path(folder))
        try:
            pc.boot()
            yield pc
        finally:
            pc.switch_off()


@pytest.fixture(scope="session")
def installed(pc: Pc) -> Installed:
    """The service, installed as the README says, from a clone in a home directory."""
    pc.send_checkout()
    said = pc.run("cd pi-edge && sudo scripts/install-service 2>&1", timeout=3600)
    pc.connect()  # whoever ran sudo is in the group pi-edge from the next login on
    return Installed(pc, said)


@pytest.fixture(scope="session")
def small(installed: Installed) -> Pc:
    """The service with two of the shipped models: an emulated machine loads all in minutes."""
    pc = installed.pc
    pc.root(
        "mkdir -p /opt/few; cd /opt/pi-edge/models; cp -r fire-theft mnist-linear /opt/few;"
        """ echo 'models = "/opt/few"' >/etc/pi-edge/config.toml; systemctl restart pi-edge"""
    )
    return pc


@pytest.fixture
def service(small: Pc) -> Iterator[Pc]:
    """A PC whose service is ready, before and after; models that a test added are gone."""
    pc = small
    pc.wait_ready()
    before = pc.run(f"ls {MODELS}").split()
    yield pc
    added = set(pc.run(f"ls {MODELS}").split()) - set(before)
    for name in added:
        pc.root(f"rm -r {MODELS}/{name}")
    if pc.show("ActiveState") not in ("active", "activating"):
        pc.root("systemctl start pi-edge")
    pc.wait_ready()
    pc.wait(lambda: not any(pc.state(name.removesuffix(".tflite")) for name in added))
