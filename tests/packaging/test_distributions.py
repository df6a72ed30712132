"""sdist and wheel have all that an installed pi-edge needs."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from support import ROOT

# What builds is no package: it runs before anything is installed.
sys.path.append(str(ROOT / "scripts"))

from packages import distributions


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """sdist and wheel of this checkout."""
    return distributions.build(tmp_path_factory.mktemp("dist"))


def tracked(*folders: str) -> set[str]:
    """What git tracks of folders, or would with the next commit."""
    command = ["git", "ls-files", "-zco", "--exclude-standard", *folders]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_has_every_file_of_the_package(built: list[Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        assert tracked("pi_edge") <= set(wheel.namelist())


def test_the_wheel_has_every_model_inside_the_package(built: list[Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        there = {name for name in wheel.namelist() if name.startswith("pi_edge/models/")}
    assert there == {f"pi_edge/{name}" for name in tracked("models")}


def test_the_wheel_puts_nothing_beside_the_package(built: list[Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"pi_edge"}


def test_an_installed_package_finds_its_own_models(built: list[Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        wheel.extractall(tmp_path)
    (tmp_path / "models").mkdir()  # somebody else's package of that name
    code = "from pi_edge import config; print(config.shipped_models())"
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(said.strip()) == tmp_path / "pi_edge" / "models"


def test_the_sdist_has_all_that_is_needed_to_package_it(built: list[Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        there = {name.partition("/")[2] for name in sdist.getnames()}
    folders = ("pi_edge", "models", "systemd", "scripts", "docs", "LICENSE", "NOTICE", "setup.py")
    assert tracked(*folders) <= there


def test_the_sdist_tells_nothing_of_who_built_it(built: list[Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        members = sdist.getmembers()
    assert {(member.uid, member.uname) for member in members} == {(0, "root")}
    assert len({member.mtime for member in members}) == 1
