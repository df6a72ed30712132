"""Debian's packages, installed by apt, used, upgraded, removed and purged."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from roots import PATIENCE_SECONDS, Installation

SEVEN = "/usr/share/doc/pi-edge/examples/seven.jpg"
STATE = "/var/lib/pi-edge"


def files(system: Installation) -> set[str]:
    """All that is on the system, but for what apt and dpkg keep of their own work."""
    skipped = ["/proc", "/dev", "/sys", "/tmp", "/var/log", "/var/cache", str(system.debs)]
    skipped += ["/var/lib/dpkg", "/var/lib/apt", "/var/lib/systemd"]
    paths = " -o ".join(f"-path {path}" for path in skipped)
    return set(system.run("sh", "-c", f"find / \\( {paths} \\) -prune -o -print").splitlines())


@pytest.fixture(scope="module")
def before(bare: Installation) -> set[str]:
    """What there was before pi-edge came."""
    return files(bare)


@pytest.fixture(scope="module")
def system(bare: Installation, before: set[str]) -> Installation:
    """The system after apt installed both packages, with what of Debian's was not there yet."""
    packages = map(str, bare.packages())
    bare.run("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    return bare


def test_the_command_says_its_version(system: Installation) -> None:
    version = system.packages()[0].name.split("_")[1].partition("-")[0]
    assert system.run("pi-edge", "--version").strip() == f"pi-edge {version}"


def test_a_digit_is_read_without_a_daemon(system: Installation) -> None:
    said = system.run("pi-edge", "predict", "mnist-cnn", SEVEN, "--json")
    assert json.loads(said)["digit"] == 7


def test_every_shipped_model_answers_as_it_should(system: Installation) -> None:
    said = system.run("pi-edge", "models", "verify", environ={"PI_EDGE_STATE": "/tmp/state"})
    assert "mnist-cnn" in said


def test_the_service_has_its_user_and_its_folders(system: Installation) -> None:
    assert "gpio" in system.run("id", "-nG", "pi-edge").split()
    for folder in (STATE, f"{STATE}/models"):
        assert system.run("stat", "-c", "%U:%G %a", folder).strip() == "pi-edge:pi-edge 2770"


def test_the_service_starts_with_the_machine(system: Installation) -> None:
    assert system.run("systemctl", "is-enabled", "pi-edge").strip() == "enabled"


def test_what_python_compiles_is_there(system: Installation) -> None:
    cached = system.run("find", "/usr/share/pi-edge/pi_edge/__pycache__", "-name", "daemon.*.pyc")
    assert len(cached.splitlines()) == 1


@pytest.fixture
def daemon(system: Installation, tmp_path: Path) -> Iterator[str]:
    """The URL of the daemon, run as its unit runs it."""
    setting = {"PI_EDGE_STATE": STATE, "PI_EDGE_LED": "off", "TMPDIR": "/var/tmp"}
    as_service = ("setpriv", "--reuid=pi-edge", "--regid=pi-edge", "--init-groups")
    serve = ("pi-edge", "serve", "--port", "0", "--log-level", "info")
    with system.running(
        tmp_path / "log", r"ready at (http://\S+)", *as_service, *serve, environ=setting
    ) as found:
        yield found[1]


def test_the_daemon_serves_every_model_and_reads_a_digit(system: Installation, daemon: str) -> None:
    picture = (system.debs.parent / "docs/pictures/seven.jpg").read_bytes()
    request = urllib.request.Request(f"{daemon}/tasks/digits", data=picture)
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        assert json.load(answer)["digit"] == 7
    with urllib.request.urlopen(f"{daemon}/status", timeout=PATIENCE_SECONDS) as answer:
        status = json.load(answer)
    states = {name: model["state"] for name, model in status["models"].items()}
    assert set(states.values()) == {"ready"}
    assert len(states) == 8
    with urllib.request.urlopen(daemon, timeout=PATIENCE_SECONDS) as answer:
        assert b"pi-edge" in answer.read()


def test_an_upgrade_keeps_what_is_the_owners(system: Installation) -> None:
    system.run("sh", "-c", f"echo 'port = 8081' >/etc/pi-edge/config.toml; touch {STATE}/mine")
    system.run("dpkg", "--install", *map(str, system.packages()))
    assert system.run("cat", "/etc/pi-edge/config.toml") == "port = 8081\n"
    system.run("test", "-e", f"{STATE}/mine")


def test_removal_keeps_what_is_the_owners_and_purging_leaves_nothing(
    system: Installation, before: set[str]
) -> None:
    system.run("sh", "-c", f"echo 'port = 8081' >/etc/pi-edge/config.toml; touch {STATE}/mine")
    system.run("dpkg", "--remove", "pi-edge", "pi-edge-runtime")
    system.run("test", "-e", f"{STATE}/mine", "-a", "-e", "/etc/pi-edge/config.toml")
    there = files(system)
    assert not {name for name in there if re.match(r"/usr/(lib|share|bin)/pi-edge", name)}
    system.run("dpkg", "--purge", "pi-edge", "pi-edge-runtime")
    left = files(system) - before
    # Others may be in the group gpio; these are the lists of users and groups as they were.
    assert not {name for name in left if not re.fullmatch(r"/etc/(passwd|group|g?shadow)-", name)}
    assert "pi-edge" not in system.run("cat", "/etc/passwd", "/etc/group")
