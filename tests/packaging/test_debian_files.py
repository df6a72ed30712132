"""What Debian's packages depend on and bring is what setup.cfg asks for."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support import ROOT

sys.path.append(str(ROOT / "scripts"))

from packages import wheels

DEBIAN = ROOT / "scripts" / "debian"
# Python's name: Debian's.
NAMES = {
    "numpy": "python3-numpy",
    "pillow": "python3-pil",
    "gpiozero": "python3-gpiozero",
    "orjson": "python3-orjson",
    "starlette": "python3-starlette",
    "uvicorn": "python3-uvicorn",
    "python-multipart": "python3-python-multipart",
    "prometheus-client": "python3-prometheus-client",
    "tqdm": "python3-tqdm",
    "paho-mqtt": "python3-paho-mqtt",
    "uvloop": "python3-uvloop",
}


def required(*extras: str) -> dict[str, Requirement]:
    """What setup.cfg requires, by normalized name; extras and all."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "setup.cfg")
    texts = [settings["options"]["install_requires"]]
    texts += [settings["options.extras_require"][extra] for extra in extras]
    lines = [line for text in texts for line in text.splitlines() if line]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def pinned(listed: str) -> dict[str, str]:
    """Versions that a list pins, by normalized name."""
    text = (wheels.LISTS / f"{listed}.txt").read_text()
    return {
        canonicalize_name(name): version
        for name, version in re.findall(r"^(\S+)==(\S+)", text, re.M)
    }


@pytest.mark.parametrize("listed", sorted({wanted.listed for wanted in wheels.EVERYTHING}))
def test_what_is_brought_is_what_setup_cfg_asks_for(listed: str) -> None:
    wanted = required("tflite-runtime" if "tflite" in listed else "litert")
    for name, version in pinned(listed).items():
        if name in wanted:
            assert wanted[name].specifier.contains(version), name


def test_bookworm_gets_everything_that_setup_cfg_asks_for() -> None:
    control = (DEBIAN / "control").read_text()
    # What is bound to another Python by "python3 (<< 3.12) |" is brought for 3.11.
    from_debian = set(re.findall(r"^ (python3-\S+)", control, re.M))
    for runtime, listed in (("litert", "litert-3.11"), ("tflite-runtime", "tflite-runtime-3.11")):
        brought = pinned("pure-3.11") | pinned(listed)
        lacking = {
            name
            for name in required(runtime)
            if name not in brought and NAMES.get(name) not in from_debian
        }
        assert lacking == set()


def test_trixie_gets_everything_that_setup_cfg_asks_for() -> None:
    depends = (DEBIAN / "control").read_text() + (DEBIAN / "runtime-arm64.substvars").read_text()
    lacking = {
        name
        for name in required("litert")
        if name not in pinned("litert-3.13") and f"{NAMES.get(name)}" not in depends
    }
    assert lacking == set()


def test_debian_is_asked_for_no_older_version_than_setup_cfg() -> None:
    depends = (DEBIAN / "control").read_text() + (DEBIAN / "runtime-arm64.substvars").read_text()
    wanted = required("litert")
    for name, package in NAMES.items():
        (found,) = set(re.findall(rf"{package} \(>= (?:1:)?([\d.]+)\)", depends))
        assert f">={found}" in str(wanted[name].specifier), name


def test_everything_that_is_brought_has_its_licence_told() -> None:
    told = (DEBIAN / "copyright").read_text()
    for wanted in wheels.EVERYTHING:
        for name in pinned(wanted.listed):
            assert f"wheels/*/{name.replace('-', '_')}-*" in told


def test_every_unit_is_packaged(tmp_path: Path) -> None:
    text = (DEBIAN / "units").read_text()
    # The one that is missing belongs to scripts/deploy.
    for unit in (ROOT / "systemd").iterdir():
        assert unit.name in text or unit.name == "pi-edge-activate.service"
