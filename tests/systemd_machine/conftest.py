"""Whole machines with a real systemd. scripts/test-systemd runs this; scripts/test does not, for it
takes long."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import ROOT, missing

sys.path.append(str(ROOT / "scripts"))

import pc_image
from emulated_pi.progress import step
from machine import MODELS, STATE
from pc import Pc
from pc_image import PcImage


@dataclass(frozen=True)
class Installed:
    """A PC on which scripts/install-service was run.

    Attributes:
        said: what it printed.
    """

    pc: Pc
    said: str


@pytest.fixture(scope="session")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pc]:
    """A PC on which the packages that pi-edge needs were installed before, by itself."""
    if reason := pc_image.obstacle():
        missing(reason)
    image = pc_image.ensure()
    base = image.folder / f"environment-{_key()}.qcow2"
    if not base.exists():
        _install_once(image, tmp_path_factory.mktemp("first"), base)
    pc = Pc(image, tmp_path_factory.mktemp("pc"), base)
    try:
        pc.boot()
        yield pc
    finally:
        pc.switch_off()


def _key() -> str:
    """Changes with what decides which packages are installed."""
    files = [
        ROOT / "setup.cfg",
        ROOT / "scripts/install-service",
        *(ROOT / "scripts/lib").iterdir(),
    ]
    source = b"".join(file.read_bytes() for file in sorted(files) if file.is_file())
    return hashlib.sha256(source).hexdigest()[:12]


def _install_once(image: PcImage, folder: Path, base: Path) -> None:
    """Installing for the first time takes an emulated PC minutes: what is left of it, without the
    service's state, is kept, and brought up to date by all that follow."""
    for old in base.parent.glob("environment-*"):
        old.unlink()
    pc = Pc(image, folder)
    try:
        with step("install pi-edge on the PC for the first time", 300):
            pc.boot()
            install(pc)
            pc.wait_ready()
            pc.root(f"systemctl stop pi-edge; rm -r {STATE}/*")
            shutil.move(pc.shut_down(), base)
            base.chmod(0o444)
    finally:
        pc.switch_off()


def install(pc: Pc) -> str:
    """As the README says, from a clone in a home directory; what it printed."""
    pc.send_checkout()
    said = pc.run("cd pi-edge && sudo scripts/install-service 2>&1")
    pc.connect()  # whoever ran sudo is in the group pi-edge from the next login on
    return said


@pytest.fixture(scope="session")
def installed(pc: Pc) -> Installed:
    """The service."""
    return Installed(pc, install(pc))


@pytest.fixture
def service(installed: Installed) -> Iterator[Pc]:
    """A PC whose service is ready, before and after; models that a test added are gone."""
    pc = installed.pc
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
