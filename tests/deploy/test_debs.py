"""Which Debian packages are collected for another machine, by this machine's apt."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from little_archive import LittleArchive, installed
from pis import BOOKWORM_32, target
from support import missing

from pi_edge.deploy import debs
from pi_edge.errors import PiEdgeError, Unavailable


@pytest.fixture(autouse=True)
def _apt() -> None:
    if not shutil.which("apt-get"):
        missing("no apt-get here")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LittleArchive:
    """The only archive there is."""
    archive = LittleArchive(tmp_path / "archive")
    monkeypatch.setattr(debs, "sources", lambda suite: [archive.source])
    return archive


def collected(folder: Path, *packages: str, status: str = "") -> list[str]:
    found = debs.collect(packages, target(BOOKWORM_32, status), folder / "debs")
    assert all(path.stat().st_size for path in found)
    return [path.name for path in found]


def test_packages_come_with_what_they_need(archive: LittleArchive, tmp_path: Path) -> None:
    archive.add("maths", "1:2.0-1+b1", Depends="algebra (>= 1), docs")
    archive.add("algebra")
    archive.add("docs", architecture="all")
    names = collected(tmp_path, "maths")
    assert sorted(names) == [
        "algebra_1.0_armhf.deb",
        "docs_1.0_all.deb",
        "maths_1%3a2.0-1+b1_armhf.deb",
    ]


def test_what_is_installed_there_does_not_come(archive: LittleArchive, tmp_path: Path) -> None:
    archive.add("maths", Depends="algebra")
    archive.add("algebra", "1.1")
    status = installed("algebra")
    assert collected(tmp_path, "maths", status=status) == ["maths_1.0_armhf.deb"]


def test_what_is_installed_there_and_too_old_comes(archive: LittleArchive, tmp_path: Path) -> None:
    archive.add("maths", Depends="algebra (= 1.1)")
    archive.add("algebra", "1.1")
    names = collected(tmp_path, "maths", status=installed("algebra"))
    assert sorted(names) == ["algebra_1.1_armhf.deb", "maths_1.0_armhf.deb"]


def test_what_is_only_recommended_does_not_come(archive: LittleArchive, tmp_path: Path) -> None:
    archive.add("maths", Recommends="docs")
    archive.add("docs")
    assert collected(tmp_path, "maths") == ["maths_1.0_armhf.deb"]


def test_nothing_is_collected_that_would_remove_something_there(
    archive: LittleArchive, tmp_path: Path
) -> None:
    archive.add("maths", Conflicts="algebra")
    with pytest.raises(PiEdgeError, match="maths would remove algebra there"):
        collected(tmp_path, "maths", status=installed("algebra"))


def test_what_the_archive_has_not_is_said(archive: LittleArchive, tmp_path: Path) -> None:
    with pytest.raises(PiEdgeError, match="Unable to locate package maths"):
        collected(tmp_path, "maths")


def test_what_does_not_fit_what_is_installed_is_said(
    archive: LittleArchive, tmp_path: Path
) -> None:
    archive.add("maths", Depends="algebra (= 1.0)")
    with pytest.raises(PiEdgeError, match="maths : Depends: algebra") as error:
        collected(tmp_path, "maths", status=installed("algebra", "1.1"))
    assert "\n" not in str(error.value)


def test_a_second_time_nothing_is_fetched(archive: LittleArchive, tmp_path: Path) -> None:
    archive.add("maths")
    first = collected(tmp_path, "maths")
    shutil.rmtree(archive.folder)
    assert collected(tmp_path, "maths") == first


def test_a_newer_package_is_found_where_the_older_one_is_gone(
    archive: LittleArchive, tmp_path: Path
) -> None:
    archive.add("maths", "1.0")
    archive.add("other")
    collected(tmp_path, "other")
    shutil.rmtree(archive.folder)
    renewed = LittleArchive(archive.folder)
    renewed.add("maths", "1.1")
    assert collected(tmp_path, "maths") == ["maths_1.1_armhf.deb"]


def test_this_machine_s_own_apt_learns_nothing(archive: LittleArchive, tmp_path: Path) -> None:
    before = subprocess.run(["apt-config", "dump"], capture_output=True).stdout
    lists = sorted(Path("/var/lib/apt/lists").glob("*"))
    archive.add("maths")
    collected(tmp_path, "maths")
    assert subprocess.run(["apt-config", "dump"], capture_output=True).stdout == before
    assert sorted(Path("/var/lib/apt/lists").glob("*")) == lists


def test_a_mirror_that_does_not_answer_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debs, "sources", lambda suite: ["deb http://127.0.0.1:9/debian x main"])
    with pytest.raises(Unavailable, match="no Debian mirror answers"):
        collected(tmp_path, "maths")


def test_without_apt_the_pi_s_own_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PiEdgeError, match="sudo apt install python3-numpy python3-pil"):
        collected(tmp_path, "python3-numpy", "python3-pil")


def test_the_mirrors_are_this_machine_s_for_the_pi_s_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(debs.MIRROR, raising=False)
    monkeypatch.setattr(
        debs,
        "_mirrors",
        lambda: {
            ("http://one.example/debian", "Debian"),
            ("http://two.example", "Debian-Security"),
        },
    )
    lines = [line.split("] ")[-1].removeprefix("deb ") for line in debs.sources("trixie")]
    assert lines == [
        "http://one.example/debian trixie main",
        "http://one.example/debian trixie-updates main",
        "http://two.example trixie-security main",
    ]


def test_a_machine_whose_apt_knows_no_debian_can_name_a_mirror(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(debs.MIRROR, raising=False)
    monkeypatch.setattr(debs, "_mirrors", set)
    with pytest.raises(PiEdgeError, match=f"no Debian mirror: .*{debs.MIRROR}="):
        debs.sources("bookworm")
    monkeypatch.setenv(debs.MIRROR, "http://one.example/debian")
    assert "http://one.example/debian bookworm main" in debs.sources("bookworm")[0]


def test_debian_s_own_packages_for_another_processor_are_found(tmp_path: Path) -> None:
    status = installed("libc6", "2.36-9") + installed("libgcc-s1", "12.2.0-14")
    try:
        (deb,) = debs.collect(["libblas3"], target(BOOKWORM_32, status), tmp_path)
    except PiEdgeError as error:
        missing(str(error))
    told = subprocess.run(
        ["dpkg-deb", "--field", deb, "Package", "Architecture"], capture_output=True, text=True
    ).stdout
    assert told == "Package: libblas3\nArchitecture: armhf\n"
